import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRgbImage } from '../image/rgb-image.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { upnPresets } from './config.ts';
import { formatUpnConfig, parseUpnConfig } from './config-file.ts';
import { patterned, patternedWeights, tinyConfig } from './testing/patterned.ts';
import { Upn } from './upn.ts';
import { upnParameters } from './weights.ts';

let folder: string;
let upn: Upn;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upn-'));
  await writeModel(folder);
  upn = await Upn.load(folder);
});
afterAll(async () => {
  await upn.dispose();
  await rm(folder, { recursive: true });
});

async function writeModel(path: string, extra: { name: string; shape: number[]; value: number }[] = []) {
  const weights = patternedWeights(tinyConfig);
  const own = upnParameters(tinyConfig).map(({ name, shape }) => ({
    name,
    shape: [...shape],
    dtype: 'float32' as const,
    data: weights.get(name)!.data,
  }));
  const more = extra.map(({ name, shape, value }) => ({
    name,
    shape,
    dtype: 'float32' as const,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  }));
  await writeSafetensors(join(path, 'model.safetensors'), [...own, ...more]);
  await writeFile(join(path, 'config.json'), formatUpnConfig(tinyConfig));
}

function encoded(width: number, height: number, name = 'image') {
  const image = createRgbImage(width, height);
  patterned(name, image.data.length, 1).forEach((value, i) => {
    image.data[i] = 128 + 60 * value;
  });
  return image;
}

const open = { minScore: 0, maxBoxes: 1000 };

test('every image gets its boxes in its own pixels, whatever its shape', async () => {
  const images = [encoded(90, 70), encoded(1, 1), encoded(300, 3), encoded(2, 50)];
  const results = await upn.propose(images, { ...open, granularity: 'both' });
  results.forEach(({ boxesXyxy, scores, granularities, width, height }, i) => {
    expect([width, height]).toEqual([images[i].width, images[i].height]);
    expect(boxesXyxy.length).toBe(4 * scores.length);
    expect(granularities.length).toBe(scores.length);
    boxesXyxy.forEach((value, at) => {
      expect(value >= 0 && value <= (at % 2 === 0 ? width : height)).toBe(true);
    });
  });
  expect(results[0].scores.length).toBeGreaterThan(0);
  expect(new Set(results[0].granularities).size).toBe(2);
});

test('an image’s boxes are the same alone, among others and at the same time as others', async () => {
  const [a, b] = [encoded(90, 70), encoded(70, 90, 'other')];
  const [alone] = await upn.propose([a], open);
  const [, among] = await upn.propose([b, a], open);
  const [atOnce] = await Promise.all([upn.propose([a], open), upn.propose([b], open)]);
  expect(among).toEqual(alone);
  expect(atOnce[0]).toEqual(alone);
});

test('no images, no boxes, aborted', async () => {
  expect(await upn.propose([])).toEqual([]);
  const [none] = await upn.propose([encoded(20, 20)], { minScore: 1 });
  expect(none.scores.length).toBe(0);
  const signal = AbortSignal.abort('no more');
  await expect(upn.propose([encoded(20, 20)], { signal })).rejects.toMatchObject({ code: 'aborted' });
});

test('what does not fit is named', async () => {
  await expect(Upn.load(join(folder, 'nothing'))).rejects.toThrow('expected a folder');
  await expect(Upn.load(join(folder, 'model.safetensors'))).rejects.toMatchObject({ code: 'weights-mismatch' });
  const inner = await mkdtemp(join(folder, 'heads-'));
  await writeModel(inner, [{ name: 'bbox_embed.1.layers.2.bias', shape: [4], value: 3 }]);
  await expect(Upn.load(inner)).rejects.toThrow('share one box head');
  const strange = await mkdtemp(join(folder, 'strange-'));
  await writeModel(strange, [{ name: 'extra.weight', shape: [4], value: 3 }]);
  await expect(Upn.load(strange)).rejects.toThrow('1 unexpected: extra.weight');
});

test('config.json round trips and names its first mistake', () => {
  for (const config of Object.values(upnPresets))
    expect(parseUpnConfig(JSON.parse(formatUpnConfig(config)))).toEqual(config);
  const json = JSON.parse(formatUpnConfig(tinyConfig));
  expect(() => parseUpnConfig({ ...json, numQueries: 0 })).toThrow('config.json: numQueries');
  expect(() => parseUpnConfig({ ...json, model_type: 'llama' })).toThrow("expected model_type 'upn', came 'llama'");
});
