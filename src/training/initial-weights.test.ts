import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourceRows } from '../prompt/tokenizer/source-rows.ts';
import { trainTokenizer } from '../prompt/tokenizer/train-tokenizer.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { writeShardedSafetensors } from '../weights/sharded-writer.ts';
import { loadInitial, weightsOf } from './initial-weights.ts';
import { checkpointFile } from './loop.ts';
import { modelWeightsFile } from './model-folder.ts';
import type { ParameterSet } from './parameters.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'initial-weights-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A file in which every tensor has two values, both the number given for it. */
const write = (file: string, values: Record<string, number>) =>
  writeSafetensors(
    file,
    Object.entries(values).map(([name, value]) => ({
      name,
      dtype: 'float32' as const,
      shape: [2],
      data: async () => new Float32Array([value, value]),
    })),
    {},
  );
const anew = (...names: string[]): ParameterSet => new Map(names.map((name) => [name, hostTensor('float32', [2])]));
const valuesOf = (parameters: ParameterSet) =>
  Object.fromEntries([...parameters].map(([name, { data }]) => [name, data[0]]));

test('a run starts from a run, and from another one where its names say so', async () => {
  const [first, second] = [await mkdtemp(join(root, 'first-')), await mkdtemp(join(root, 'second-'))];
  await write(checkpointFile(first), { 'parameters.backbone.w': 1, 'parameters.neck.w': 2, 'moments.neck.w': 9 });
  await write(checkpointFile(second), { 'parameters.high.w': 3 });
  const parameters = anew('backbone.w', 'neck.w');
  await loadInitial([await weightsOf(first), await weightsOf(second, { from: 'high.', to: 'backbone.' })], parameters);
  expect(valuesOf(parameters)).toEqual({ 'backbone.w': 3, 'neck.w': 2 });
});

test('from a model folder everything comes but what exists for training alone', async () => {
  const model = await mkdtemp(join(root, 'model-'));
  await write(modelWeightsFile(model), { 'neck.w': 2 });
  const parameters = anew('neck.w', 'denoising.content');
  await loadInitial([await weightsOf(model)], parameters);
  expect(valuesOf(parameters)).toEqual({ 'neck.w': 2, 'denoising.content': 0 });
  await expect(loadInitial([await weightsOf(model)], anew('head.w'))).rejects.toThrow(/has no head\.w/);
});

test('a model in shards is read as one', async () => {
  const model = await mkdtemp(join(root, 'shards-'));
  const entries = ['a.w', 'b.w'].map((name, i) => ({
    name,
    dtype: 'float32' as const,
    shape: [2],
    data: async () => new Float32Array([i, i]),
  }));
  await writeShardedSafetensors(model, entries, 8);
  const parameters = anew('a.w', 'b.w');
  await loadInitial([await weightsOf(model)], parameters);
  expect(valuesOf(parameters)).toEqual({ 'a.w': 0, 'b.w': 1 });
});

test('a run has all of it', async () => {
  const run = await mkdtemp(join(root, 'run-'));
  await write(checkpointFile(run), { 'parameters.neck.w': 2 });
  await expect(loadInitial([await weightsOf(run)], anew('denoising.content'))).rejects.toThrow(/denoising\.content/);
});

test('a folder that is neither a run nor a model is named', async () => {
  const empty = await mkdtemp(join(root, 'empty-'));
  await expect(weightsOf(empty)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(empty) });
});

test('a tensor of another size is refused rather than taken in part', async () => {
  const run = await mkdtemp(join(root, 'short-'));
  await write(checkpointFile(run), { 'parameters.neck.w': 2 });
  const longer: ParameterSet = new Map([['neck.w', hostTensor('float32', [3])]]);
  await expect(loadInitial([await weightsOf(run)], longer)).rejects.toThrow(/neck\.w as \[2\], neck\.w is \[3\]/);
});

test('rows of embeddings follow their tokens', async () => {
  const model = await mkdtemp(join(root, 'words-'));
  const name = 'model.embed_tokens.weight';
  const base = trainTokenizer([' cup'], { vocabSize: 258, specialTokens: ['<end>'] });
  const json = trainTokenizer([' cup', ' cups', ' cups'], { vocabSize: 260, specialTokens: ['<end>', '<new>'], base });
  const count = 258;
  await writeSafetensors(modelWeightsFile(model), [
    { name, dtype: 'float32', shape: [count, 1], data: async () => Float32Array.from({ length: count }, (_, i) => i) },
  ]);
  const vocabulary = { from: join(model, 'from.json'), to: join(model, 'to.json') };
  await writeFile(vocabulary.from, JSON.stringify(base));
  await writeFile(vocabulary.to, JSON.stringify(json));
  const parameters: ParameterSet = new Map([[name, hostTensor('float32', [260, 1])]]);
  await loadInitial([{ ...(await weightsOf(model)), vocabulary }], parameters);
  const { data } = parameters.get(name)!;
  expect(data[65], 'a byte stays itself').toBe(65);
  const rows = sourceRows(base, json);
  const fresh = rows.findIndex((sources) => sources.length > 1);
  expect(data[fresh]).toBeCloseTo(rows[fresh].reduce((sum, row) => sum + row, 0) / rows[fresh].length, 5);
  expect(data[json.added_tokens[0].id]).toBe(base.added_tokens[0].id);
  expect(data[json.added_tokens[1].id], 'nothing says it').toBeCloseTo((count - 1) / 2, 3);
});
