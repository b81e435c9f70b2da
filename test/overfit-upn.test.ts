/**
 * A tiny UPN learns four scenes by heart: matching, denoising, both prompts and every gradient have to work for that.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createScope } from '../src/nn/scope.ts';
import { graphOf } from '../src/tensor/graph.ts';
import { adamwStep, createAdamwState } from '../src/training/adamw.ts';
import { GradientSession } from '../src/training/gradient-session.ts';
import { initializeParameters } from '../src/training/parameters.ts';
import { upnBatch, upnExample } from '../src/training/upn/batch.ts';
import { type UpnTrainingConfig, upnTrainingGraph } from '../src/training/upn/loss.ts';
import { upnStep } from '../src/training/upn/step.ts';
import { validateUpnOn } from '../src/training/upn/validate.ts';
import { openWorldDataset } from '../src/world/dataset.ts';

const config: UpnTrainingConfig = {
  upn: {
    backbone: { kind: 'convnext', depths: [1, 1, 1, 1], dims: [16, 24, 32, 48], kernelSize: 3, layerScale: 0.1 },
    backboneStages: [1, 2, 3],
    numLevels: 3,
    hiddenSize: 64,
    numHeads: 4,
    numPoints: 2,
    numEncoderLayers: 1,
    numDecoderLayers: 2,
    feedForwardSize: 128,
    numQueries: 30,
    shorterSide: 96,
    longerSide: 96,
    canvasMultiple: 32,
  },
  batchSize: 4,
  canvases: [{ width: 96, height: 96 }],
  isPadded: false,
  denoisingQueries: 20,
  maxPositiveTokens: 512,
};

test('four scenes are learned by heart', async () => {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'overfit-upn-'));
  const world = await openWorldDataset({ split: 'train', seed: 8, size: 4 }, { cacheFolder });
  const graph = upnTrainingGraph(createScope(), config);
  const { loss, metrics, predictions } = graph;
  const parameters = initializeParameters(graphOf({ loss, ...predictions }).parameters.values(), 1);
  const session = await GradientSession.create(loss, metrics, parameters, { predictions });
  const optimizer = createAdamwState(parameters.keys(), parameters);
  const examples = await Promise.all([0, 1, 2, 3].map((index) => upnExample(world, index, config, 0)));
  const batch = upnBatch(examples, config, 0);
  const steps = 110;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { l1 } = await upnStep(session, config, batch, `overfit/${step}`);
    losses.push(l1);
    const rate = 3e-3 * Math.min(1, (step + 1) / 20) * (step > 0.75 * steps ? 0.25 : 1);
    adamwStep(parameters, session.finish(), optimizer, rate, { maxNorm: 1, beta2: 0.98 });
  }
  await session.dispose();
  const figures = await validateUpnOn(config, world, 4, parameters);
  await rm(cacheFolder, { recursive: true });
  const late = losses.slice(-20).reduce((sum, value) => sum + value, 0) / 20;
  expect(late).toBeLessThan(losses[0] / 4);
  expect(figures['fine AP50']).toBeGreaterThan(0.9);
  expect(figures['coarse AP50']).toBeGreaterThan(0.9);
});
