import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphOf } from '../../tensor/graph.ts';
import { worldData } from '../configs/world-data.ts';
import { metricsFile } from '../loop.ts';
import { initializeParameters } from '../parameters.ts';
import { runStage, StageSessions } from '../run.ts';
import { openStage } from '../stages.ts';
import type { VisionTraining } from '../vision/stage.ts';
import { ownCores, PartWorkers, trainStage } from './threads.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'train-stage-'));
});
afterAll(() => rm(root, { recursive: true }));

const settings: VisionTraining = {
  seed: 3,
  steps: 4,
  learningRate: 1e-3,
  warmupSteps: 1,
  finalRate: 0.1,
  maxNorm: 1,
  weightDecay: 0.01,
  validateEvery: 100,
  parts: 3,
  data: [{ data: worldData('train', 1, 8), weight: 1 }],
  vision: {
    high: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], kernelSize: 3, layerScale: 0.1 },
    low: {
      hiddenSize: 16,
      intermediateSize: 32,
      numHiddenLayers: 1,
      numAttentionHeads: 2,
      imageSize: 32,
      patchSize: 8,
      selectLayer: -1,
    },
    imageSize: 64,
    batchSize: 1,
    objectsPerImage: 16,
    mosaicShare: 0.5,
    scenesPerMosaic: 2,
  },
};
const at = (name: string) => ({ folder: join(root, name), cacheFolder: join(root, 'cache') });

test('one part in a thread of its own is the same run as one session in this thread', async () => {
  const single = { ...settings, parts: 1, steps: 2 };
  await trainStage('vision', single, at('thread'));
  const stage = await openStage({ name: 'vision', settings: single, context: at('here') });
  await runStage(stage, at('here'));
  await stage.close?.();
  const [thread, here] = await Promise.all(
    ['thread', 'here'].map(async (name) => (await readFile(metricsFile(join(root, name)), 'utf8')).trim().split('\n')),
  );
  expect(thread).toHaveLength(2);
  thread.forEach((line, i) => {
    const { seconds: _, ...expected } = JSON.parse(here[i]);
    for (const [name, value] of Object.entries<number>(expected)) expect(JSON.parse(line)[name]).toBeCloseTo(value, 4);
  });
});

test('metrics are means over the parts', async () => {
  const line = async (name: string) =>
    JSON.parse((await readFile(metricsFile(join(root, name)), 'utf8')).split('\n')[0]);
  await trainStage('vision', { ...settings, steps: 1 }, at('whole'));
  const stage = await openStage({ name: 'vision', settings, context: at('whole') });
  const losses = await Promise.all(
    [0, 1, 2].map(async (part) => {
      const alone = {
        ...stage,
        makeBatch: (step: number) => stage.makeBatch(step, part),
        settings: { ...settings, steps: 1 },
      };
      await runStage(alone, { folder: join(root, `part ${part}`) });
      return (await line(`part ${part}`)).loss as number;
    }),
  );
  await stage.close?.();
  expect((await line('whole')).loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss) / 3, 4);
});

test('what goes wrong in a thread is told as it happened', async () => {
  const broken = { ...settings, vision: { ...settings.vision, imageSize: 65 } };
  await expect(trainStage('vision', broken, at('broken'))).rejects.toThrow(/65|shape|multiple|fit/);
});

test('gradients are means over the parts, whoever computes how many of them', async () => {
  const stage = await openStage({ name: 'vision', settings, context: at('means') });
  const [{ loss, metrics }] = stage.graphs;
  const parameters = initializeParameters(graphOf({ loss, ...metrics }).parameters.values(), 5);
  const trainable = [...parameters.keys()];
  const sessions = new StageSessions(stage, parameters);
  const expected = new Map(trainable.map((name) => [name, new Float64Array(parameters.get(name)!.data.length)]));
  for (const part of [0, 1, 2]) {
    const { gradients } = await sessions.compute(await stage.makeBatch(0, part), 0, part);
    for (const [name, sum] of expected) {
      for (const [i, value] of gradients.get(name)!.entries()) sum[i] += value / 3;
    }
  }
  await sessions.dispose();
  await stage.close?.();
  const description = { name: 'vision', settings, context: at('means') } as const;
  const workers = await PartWorkers.start(description, parameters, trainable, { first: 0, count: 3 }, 2);
  const { gradients } = await workers.computeGradients(0);
  for (const [name, mean] of expected) {
    const largest = Math.max(...mean.map(Math.abs));
    const apart = Math.max(...gradients.get(name)!.map((value, i) => Math.abs(value - mean[i])));
    expect(apart, name).toBeLessThan(1e-4 * largest + 1e-7);
  }
  await workers.stop();
});

test('processes of one machine share its cores, unless each is bound to its own', () => {
  const cores = (ranks: string | undefined, available: number) =>
    ownCores({ OMPI_COMM_WORLD_LOCAL_SIZE: ranks }, { available, all: 8 });
  expect([cores(undefined, 8), cores('1', 8), cores('2', 8), cores('16', 8)]).toEqual([8, 8, 4, 1]);
  expect([cores('8', 1), cores('2', 4), cores(undefined, 3)]).toEqual([1, 4, 3]);
});
