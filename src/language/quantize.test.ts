import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { generate } from './generate.ts';
import { readsFasterInInt8 } from './language-format.ts';
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
  ['vicuna', 'int4+int8', 0.95],
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

describe('int4+int8', () => {
  it('reads many tokens in int8 as int8 does, and few in int4 as int4 does', async () => {
    const formats = ['int4', 'int8', 'int4+int8'] as const;
    const ids = Array.from({ length: 24 }, (_, i) => 3 + ((i * 37) % 90));
    const said: Record<string, [long: Float32Array, short: Float32Array]> = {};
    for (const format of formats) {
      const target = join(work, `long-${format}`);
      await quantizeLanguageModel(folderOf('vicuna'), target, format);
      const model = await loadLanguageModel(target, { maxPositions: 64 });
      const read = async (tokens: number[]) =>
        model.read(model.createCache({ capacity: 32 }), 0, await model.embed(tokens));
      said[format] = [await read(ids), await read(ids.slice(0, 4))];
      await model.dispose();
    }
    const both = said['int4+int8'];
    expect(both[1]).toEqual(said.int4[1]);
    // The output layer is int4's, so that logits are not int8's to the last digit; their layers are.
    if (await readsFasterInInt8()) {
      expect(both[0]).not.toEqual(said.int4[0]);
      expect(cosine(both[0], said.int8[0])).toBeGreaterThan(cosine(said.int4[0], said.int8[0]));
    } else expect(both[0]).toEqual(said.int4[0]);
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
