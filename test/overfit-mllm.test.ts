/**
 * A tiny multimodal model learns four scenes by heart: images, boxes, words and every gradient have to fit for that.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nanoAlign } from '../src/training/configs/nano-mllm.ts';
import { worldData } from '../src/training/configs/world-data.ts';
import { metricsFile } from '../src/training/loop.ts';
import { openMllmStage } from '../src/training/mllm/stage.ts';
import { runStage } from '../src/training/run.ts';

const steps = 100;

test('answers about four scenes are learned by heart', async () => {
  const root = await mkdtemp(join(tmpdir(), 'overfit-mllm-'));
  const { model } = nanoAlign;
  const settings = {
    ...nanoAlign,
    steps,
    learningRate: 6e-3,
    warmupSteps: 10,
    weightDecay: 0,
    validateEvery: steps,
    data: [{ data: worldData('train', 1, 4), weight: 1 }],
    batchSize: 4,
    parts: 1,
    room: 64,
    proposals: 4,
    validation: { data: worldData('val', 1, 4), count: 4 },
    encodersLearn: true,
    model: {
      ...model,
      imageSize: 128,
      low: { ...model.low!, hiddenSize: 32, intermediateSize: 64, numHiddenLayers: 1, imageSize: 64 },
      high: { kind: 'convnext' as const, kernelSize: 5, layerScale: 0.1, depths: [1, 1, 1, 1], dims: [8, 16, 32, 64] },
      language: { ...model.language, hidden_size: 96, intermediate_size: 192, num_hidden_layers: 2 },
    },
  };
  const stage = await openMllmStage('align', settings, { folder: root, cacheFolder: join(root, 'cache') });
  const batch = await stage.makeBatch(0, 0);
  await runStage({ ...stage, makeBatch: async () => batch }, { folder: root });
  await stage.close?.();
  const lines = (await readFile(metricsFile(root), 'utf8')).trim().split('\n');
  const [first, last, held] = [lines[0], lines[steps - 1], lines[steps]].map(
    (line) => JSON.parse(line) as Record<string, number>,
  );
  await rm(root, { recursive: true });
  expect(first.answering).toBeGreaterThan(5);
  expect(last.answering).toBeLessThan(0.1);
  expect(last.accuracy).toBeGreaterThan(0.98);
  expect(held['val answering'], 'other scenes, in other words, are not known by heart').toBeGreaterThan(1);
});
