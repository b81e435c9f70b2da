import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatRex } from '../chatrex.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { quantize } from './quantize.ts';

const fixtures = new URL('../../fixtures/chatrex/', import.meta.url).pathname;
const boxes = [
  [4.25, 3.5, 20, 30],
  [30.5, 10.25, 48.75, 20.5],
];

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'chatrex-quantize-'));
});
afterAll(() => rm(work, { recursive: true }));

describe.each([
  ['tiny-gated', { language: 'int8', vision: 'int8' }],
  ['tiny-concat', { language: 'int4' }],
  ['tiny-concat', { vision: 'int8' }],
] as const)('%s with %o', (name, quantization) => {
  it('answers by the same path', async () => {
    const folder = join(work, `${name}-${Object.entries(quantization).flat().join('-')}`);
    await quantize(fixtures + name, folder, quantization);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')).quantization).toEqual(quantization);
    const names = [...(await openCheckpoint(folder)).tensors.keys()];
    const isQuantized = (part: RegExp) => names.some((tensor) => part.test(tensor) && tensor.endsWith('_scales'));
    expect(isQuantized(/^model\.layers/)).toBe('language' in quantization);
    expect(isQuantized(/^(vision_tower|mm_)/)).toBe('vision' in quantization);
    const model = await ChatRex.load(folder);
    const image = await model.encode(`${fixtures}tiny-image.png`, { boxes });
    const answer = await image.detect(['dog'], { maxTokens: 24 });
    expect(answer.issues).toEqual([]);
    await model.dispose();
  });
});
