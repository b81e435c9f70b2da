import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { generate } from './generate.ts';
import { loadLanguageModel } from './load.ts';
import { quantizeLanguageModel } from './quantize.ts';

const folderOf = (name: string) => new URL(`../../fixtures/language/${name}`, import.meta.url).pathname;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'chatrex-quantize-'));
});
afterAll(() => rm(work, { recursive: true }));

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

/** Logits after each of a text's tokens. */
async function logitsOf(folder: string): Promise<Float32Array[]> {
  const model = await loadLanguageModel(folder, { maxPositions: 64 });
  const cache = model.createCache({ capacity: 32 });
  const logits: Float32Array[] = [];
  for (const id of [5, 17, 80, 41, 33, 9, 62, 11]) logits.push(await model.read(cache, 0, await model.embed([id])));
  const tokens: number[] = [];
  for await (const { id } of generate(model, cache, [logits[7]], { maxTokens: 8, stopIds: [] })) tokens.push(id);
  expect(tokens.length).toBe(8);
  await model.dispose();
  return logits;
}

describe.each([
  // A block of 32 inputs of a random model of 64 keeps little at 4 bits; trained and wider models keep more.
  ['vicuna', 'int8', 0.99],
  ['vicuna', 'int4', 0.95],
  ['qwen2', 'int8', 0.99],
  ['qwen2', 'int4', 0.9],
] as const)('%s in %s', (name, language, least) => {
  it('loads by the same path and says nearly the same', async () => {
    const target = join(work, `${name}-${language}`);
    const seen: string[] = [];
    await quantizeLanguageModel(folderOf(name), target, language, ({ name: tensor }) => seen.push(tensor));
    expect(seen).toContain('lm_head.weight_scales');
    expect(await readdir(target)).toContain('expected.json');
    const [original, quantized] = [await logitsOf(folderOf(name)), await logitsOf(target)];
    const similarities = original.map((logits, i) => cosine(logits, quantized[i]));
    expect(similarities.reduce((sum, value) => sum + value) / similarities.length).toBeGreaterThan(least);
  });
});

describe('refuses', () => {
  it('a target that exists', async () => {
    await expect(quantizeLanguageModel(folderOf('vicuna'), work, 'int8')).rejects.toThrow(/exists/);
  });

  it('a model that is quantised already', async () => {
    const once = join(work, 'once');
    await quantizeLanguageModel(folderOf('llama3'), once, 'int8');
    await expect(quantizeLanguageModel(once, join(work, 'twice'), 'int8')).rejects.toThrow(/quantised already/);
  });

  it('tensors of another model, and leaves nothing behind', async () => {
    const other = join(work, 'other');
    await cp(folderOf('llama3'), other, { recursive: true });
    const extra = { name: 'extra.weight', dtype: 'float32' as const, shape: [1], data: new Float32Array(1) };
    await writeSafetensors(join(other, 'model.safetensors'), [extra]);
    await expect(quantizeLanguageModel(other, join(work, 'no'), 'int8')).rejects.toThrow(/unexpected: extra.weight/);
    expect((await readdir(work)).filter((entry) => entry.includes('no'))).toEqual([]);
  });

  it('a format of a later version', async () => {
    const later = join(work, 'later');
    await cp(folderOf('llama3'), later, { recursive: true });
    const config = JSON.parse(await readFile(join(later, 'config.json'), 'utf8'));
    await writeFile(join(later, 'config.json'), JSON.stringify({ ...config, quantization: { language: 'int2' } }));
    await expect(loadLanguageModel(later)).rejects.toThrow(/quantization.language/);
  });
});
