/** Exported models compute what ours do: with the native ONNX Runtime, and the proposal network in WebAssembly too. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { createLanguageModel } from '../language/load.ts';
import { loadStoredUpn } from '../proposals/load.ts';
import { proposalGraph } from '../proposals/upn.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { OnnxFile } from '../runtime/onnx-file.ts';
import { Session } from '../runtime/session.ts';
import { languageConfig } from './config.ts';
import { type OnnxModel, onnxIndexFile, planOnnx, writeOnnx } from './export-onnx.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';
import { boxesXyxy, openTiny, tinyNames } from './testing/tiny-chatrex.ts';
import { VisionEncoder } from './vision-encoder.ts';
import { visionWeights } from './weights.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The greatest difference of two tensors of one shape; NaN where either has one, which no comparison passes. */
function difference(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.data as Float32Array, expected.data as Float32Array];
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

async function exported(source: string, name: string, canvas = { width: 64, height: 96 }) {
  const target = join(folder, name);
  const plan = await planOnnx(source, source === 'nano' ? { canvas } : {});
  await writeOnnx(target, plan);
  return { target, plan };
}

async function runFile(target: string, file: string, feeds: Record<string, HostTensor>) {
  const opened = await OnnxFile.open(join(target, file));
  try {
    return await opened.run(feeds);
  } finally {
    await opened.dispose();
  }
}

describe.each(tinyNames)('%s', (name) => {
  let target: string;
  const source = new URL(`../../fixtures/chatrex/${name}`, import.meta.url).pathname;
  beforeAll(async () => {
    ({ target } = await exported(source, name));
  });

  test('encoders and object encoder give the tokens that ours give', async () => {
    const { config, image, tensors } = await openTiny(name);
    const encoder = await VisionEncoder.create(config, visionWeights(tensors.vision, config));
    const expected = await encoder.encode([image], [boxesXyxy]);
    await encoder.dispose();
    const { imageTokens, ...maps } = await runFile(target, 'image-encoder.onnx', { ...pixelFeeds([image], config) });
    expect(difference(imageTokens, expected.imageTokens)).toBeLessThan(1e-5);
    // The square that the boxes lie on is known from what our own encoder is fed.
    const { boxesCxcywhNormalized } = boxFeeds([image], [boxesXyxy], config);
    const onSquare = hostTensor('float32', boxesCxcywhNormalized.shape);
    for (let k = 0; k < onSquare.data.length; k += 4) {
      const [cx, cy, w, h] = boxesCxcywhNormalized.data.subarray(k, k + 4);
      const corners = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
      onSquare.data.set(
        corners.map((share) => share * config.imageSize),
        k,
      );
    }
    const { objectTokens } = await runFile(target, 'object-encoder.onnx', { ...maps, boxesXyxy: onSquare });
    expect(difference(objectTokens, expected.objectTokens)).toBeLessThan(1e-5);
  });

  test('the language model reads and writes with a cache that its caller keeps', async () => {
    const { config, tensors } = await openTiny(name);
    const language = languageConfig(config);
    const own = await createLanguageModel(tensors.language, language, 'float');
    const ids = [5, 9, 2, 7];
    const embeddings = await own.embed(ids);
    const cache = own.createCache({ capacity: 8 });
    const expected = await own.read(cache, 0, embeddings);
    await own.dispose();

    const embedded = await runFile(target, 'token-embeddings.onnx', { ids: hostTensor('int64', [4], ids) });
    expect(difference(embedded.embeddings, embeddings)).toBe(0);
    const model = await OnnxFile.open(join(target, 'language-model.onnx'));
    let past: Record<string, HostTensor> = {};
    for (const name of model.inputNames.filter((input) => input.startsWith('past'))) {
      const { numKeyValueHeads: heads, headDim } = language;
      past[name] = hostTensor('float32', name.endsWith('key') ? [1, heads, headDim, 0] : [1, heads, 0, headDim]);
    }
    let logits = hostTensor('float32', [0]) as HostTensor;
    let length = 0;
    // Three tokens at once, then one.
    for (const [start, end] of [
      [0, 3],
      [3, 4],
    ]) {
      const width = language.hiddenSize;
      const stretch = embeddings.data.subarray(start * width, end * width);
      const results = await model.run({
        ...past,
        embeddings: hostTensor('float32', [1, end - start, width], stretch),
        lengths: hostTensor('int64', [1], [length]),
      });
      ({ logits } = results);
      length = end;
      past = Object.fromEntries(
        Object.entries(past).map(([input, held]) => [input, joined(held, results[input.replace('past', 'own')])]),
      );
    }
    await model.dispose();
    expect(difference(logits, hostTensor('float32', [1, language.vocabSize], expected))).toBeLessThan(1e-5);
  });
});

/** Keys [1, H, D, T] or values [1, H, T, D] behind those that are held, by the tokens' axis. */
function joined(held: HostTensor, added: HostTensor): HostTensor {
  const axis = held.shape.findIndex((size, i) => size !== added.shape[i]);
  if (axis < 0) throw new Error('the test joins lengths that differ');
  const shape = added.shape.with(axis, held.shape[axis] + added.shape[axis]);
  const rows = (tensor: HostTensor) => tensor.shape.slice(axis).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const result = hostTensor('float32', shape);
  const [a, b] = [rows(held), rows(added)];
  for (let i = 0; i < outer; i++) {
    result.data.set((held.data as Float32Array).subarray(i * a, (i + 1) * a), i * (a + b));
    result.data.set((added.data as Float32Array).subarray(i * b, (i + 1) * b), i * (a + b) + a);
  }
  return result;
}

describe('nano', () => {
  let target: string;
  beforeAll(async () => {
    ({ target } = await exported('nano', 'nano'));
  });

  test('the index lists every file with its inputs and outputs', async () => {
    const { models } = JSON.parse(await readFile(join(target, onnxIndexFile), 'utf8')) as { models: OnnxModel[] };
    expect(models.map(({ file }) => file)).toEqual([
      'proposal-network.onnx',
      'image-encoder.onnx',
      'object-encoder.onnx',
      'token-embeddings.onnx',
      'language-model.onnx',
    ]);
    expect(models[0].inputs).toEqual([
      { name: 'images', dtype: 'float32', shape: ['batch', 3, 96, 64] },
      { name: 'padding', dtype: 'bool', shape: ['batch', 96, 64] },
    ]);
    expect(models[3].data).toBe(models[4].data);
  });

  test('the proposal network in WebAssembly, natively and in our own session', async () => {
    const [height, width] = [96, 64];
    const pixels = Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(i / 7) + Math.cos(i / 501));
    // The lower third is padding.
    const padding = Uint8Array.from({ length: height * width }, (_, i) => Number(i >= 64 * width));
    for (let i = 0; i < pixels.length; i++) if (padding[i % padding.length]) pixels[i] = 0;
    const feeds = {
      images: hostTensor('float32', [1, 3, height, width], pixels),
      padding: hostTensor('bool', [1, height, width], padding),
    };
    const { config, weights } = await loadStoredUpn('nano');
    const session = await Session.create(proposalGraph(config, { width, height }, true, ['coarse', 'fine']), weights);
    const own = await session.run(feeds);
    await session.dispose();
    const native = await runFile(target, 'proposal-network.onnx', feeds);
    const options = { engine: 'wasm', data: 'proposal-network.onnx.data' } as const;
    const file = await OnnxFile.open(join(target, 'proposal-network.onnx'), options);
    const web = await file.run(feeds);
    await file.dispose();
    for (const granularity of ['coarse', 'fine']) {
      for (const [ownName, name] of [
        ['logits', 'logits'],
        ['boxes', 'boxesCxcywhNormalized'],
      ]) {
        const expected = native[`${granularity}.${name}`];
        expect(difference(expected, own[`${granularity} ${ownName}`])).toBeLessThan(1e-5);
        expect(difference(web[`${granularity}.${name}`], expected)).toBeLessThan(1e-4);
      }
    }
  });

  test('what cannot be opened is refused in one line', async () => {
    await expect(OnnxFile.open(join(target, 'gone.onnx'))).rejects.toThrow(/^ONNX Runtime refused .*gone.onnx/);
    await expect(OnnxFile.open(join(target, 'gone.onnx'), { engine: 'wasm' })).rejects.toThrow(
      /cannot be read \(ENOENT/,
    );
    // Without its weights the model means nothing, and says so.
    const bare = OnnxFile.open(join(target, 'object-encoder.onnx'), { engine: 'wasm' });
    await expect(bare).rejects.toThrow(ChatRexError);
    const file = await OnnxFile.open(join(target, 'token-embeddings.onnx'));
    await expect(file.run({})).rejects.toThrow("input 'ids' is not fed");
    await expect(file.run({ ids: hostTensor('int64', [1], [9999]) })).rejects.toThrow(/^ONNX Runtime failed/);
    await file.dispose();
  });
});

test('a detector alone is exported as such, one file a scale over one file of weights', async () => {
  const { models } = await planOnnx('models/photo/upn');
  expect(models.map(({ file }) => file)).toEqual(['proposal-network-416.onnx', 'proposal-network-832.onnx']);
  expect(new Set(models.map(({ data }) => data)).size).toBe(1);
});

test('a canvas that a network cannot take is refused before anything is written', async () => {
  const canvas = { width: 100, height: 96 };
  await expect(planOnnx('nano', { canvas })).rejects.toThrow('canvas 100x96: both sides must be multiples of 32');
  await expect(planOnnx('photo', { canvas })).rejects.toThrow('squares of its own sizes');
  const withoutNetwork = new URL('../../fixtures/chatrex/tiny-gated', import.meta.url).pathname;
  await expect(planOnnx(withoutNetwork, { canvas })).rejects.toThrow('has no proposal network');
  await expect(planOnnx('nowhere')).rejects.toThrow(/model 'nowhere': expected a folder/);
});
