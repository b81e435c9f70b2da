import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
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

const models = new URL('../../models/', import.meta.url).pathname;

test('a whole folder with its UPN: all three parts are int8, and it finds and names what is there', async () => {
  const folder = join(work, 'nano-int8');
  await quantize(`${models}nano`, folder, { language: 'int8', vision: 'int8', upn: 'int8' });
  const isInt8 = async (path: string) =>
    [...(await openCheckpoint(path)).tensors.keys()].some((name) => name.endsWith('.weight_q8'));
  expect([await isInt8(folder), await isInt8(join(folder, 'upn'))]).toEqual([true, true]);
  const image = `${models}nano/example/scene.png`;
  const [model, whole] = await Promise.all([ChatRex.load(folder), ChatRex.load(`${models}nano`)]);
  const [found, expected] = await Promise.all(
    [model, whole].map(async (one) => (await one.encode(image)).detect(['butterfly', 'cat'])),
  );
  expect(found.issues).toEqual([]);
  expect(found.labels.length).toBeGreaterThan(3);
  expect(found.labels).toEqual(expected.labels);
  await Promise.all([model, whole].map((one) => one.dispose()));
});

test('the UPN alone: the rest is copied, byte by byte', async () => {
  const folder = join(work, 'nano-upn-int8');
  await quantize(`${models}nano`, folder, { upn: 'int8' });
  expect((await readdir(folder)).sort()).toEqual((await readdir(`${models}nano`)).sort());
  const [copied, original] = await Promise.all(
    [folder, `${models}nano`].map((path) => readFile(join(path, 'model.safetensors'))),
  );
  expect(copied.equals(original)).toBe(true);
});

test('a network of another kind has no int8 form, which is said before anything is written', async () => {
  const folder = join(work, 'photo-int8');
  await expect(quantize(`${models}photo`, folder, { language: 'int8', upn: 'int8' })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('leave out --upn'),
  });
  expect(await readdir(work)).not.toContain('photo-int8');
});
