import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatRexPresets } from '../../chatrex/config.ts';
import { pixelFeeds } from '../../chatrex/preprocess.ts';
import { Upn } from '../../proposals/upn.ts';
import { Session } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { writeSafetensors } from '../../weights/safetensors-writer.ts';
import { initializeParameters, storedParameters } from '../parameters.ts';
import { encoderGraph, type FeatureWorkerData, openFeatureCache } from './feature-cache.ts';
import { openProposalCache } from './proposal-cache.ts';
import { openSceneCache, type SceneCache, type SceneCacheKey } from './scene-cache.ts';

const key: SceneCacheKey = { split: 'train', seed: 4, count: 5 };
let folder: string;
let scenes: SceneCache;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caches-'));
  scenes = await openSceneCache(folder, key);
});
afterAll(async () => {
  await scenes.close();
  await rm(folder, { recursive: true });
});

const fileThat = async (start: string): Promise<string> => {
  const place = join(folder, 'train-4');
  return join(place, (await readdir(place)).find((name) => name.startsWith(start)) as string);
};

test('features are what the encoders make of a scene, and are computed once', async () => {
  const model = chatRexPresets.nano;
  const outputs = encoderGraph(model);
  const parameters = initializeParameters(graphOf(outputs).parameters.values(), 'encoders');
  const file = join(folder, 'run.safetensors');
  const tensors = [...parameters].map(([name, { shape, data }]) => ({
    name: `parameters.${name}`,
    dtype: 'float32' as const,
    shape,
    data,
  }));
  await writeSafetensors(file, tensors);
  const data: FeatureWorkerData = { folder, key, model, weights: [{ file, from: 'parameters.', to: '' }] };
  await (await openFeatureCache(data)).close();
  const { mtimeMs } = await stat(await fileThat('features-'));
  const cache = await openFeatureCache(data);
  expect((await stat(await fileThat('features-'))).mtimeMs).toBe(mtimeMs);
  const feeds = await cache.feeds([3, 1]);
  await cache.close();
  const session = await Session.create(outputs, storedParameters(parameters), { threads: 1 });
  for (const [row, index] of [3, 1].entries()) {
    const { image } = await scenes.scene(index);
    const expected = await session.run({ ...pixelFeeds([image], model) });
    for (const [name, { data }] of Object.entries(expected)) {
      const values = (feeds[name].data as Float32Array).subarray(row * data.length, (row + 1) * data.length);
      const largest = (data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      values.forEach((value, i) => {
        if (Math.abs(value - Number(data[i])) > 1e-3 * largest) throw new Error(`${name}[${i}] differs`);
      });
    }
  }
  await session.dispose();
});

const proposals = { granularity: 'both', minScore: 0.15, nmsIou: 0.6 } as const;

test('proposals are those of the network; a broken last line is found again', async () => {
  await openProposalCache(folder, key, { model: 'nano', proposals });
  const path = await fileThat('proposals-');
  const whole = await readFile(path, 'utf8');
  const kept = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1;
  await truncate(path, kept);
  await appendFile(path, '[1, 2, 3');
  const found = await openProposalCache(folder, key, { model: 'nano', proposals });
  expect(await readFile(path, 'utf8')).toBe(whole);
  const upn = await Upn.load('nano', { session: { threads: 1 } });
  const { image } = await scenes.scene(4);
  const [{ boxesXyxy }] = await upn.propose([image], proposals);
  await upn.dispose();
  const boxes = found(4);
  expect(boxes).toHaveLength(boxesXyxy.length);
  boxes.forEach((value, i) => {
    expect(Math.abs(value - boxesXyxy[i])).toBeLessThan(0.051);
  });
  expect(() => found(5)).toThrow(/5 is not in a cache of 5/);
});
