/** A tiny UPN learns eight scenes by heart: matching, denoising, both prompts and every gradient have to work for that. */

import { expect, test } from 'vitest';
import { createScope } from '../src/nn/scope.ts';
import { graphOf } from '../src/tensor/graph.ts';
import { adamwStep, createAdamwState } from '../src/training/adamw.ts';
import { GradientSession } from '../src/training/gradient-session.ts';
import { initializeParameters } from '../src/training/parameters.ts';
import { upnBatch } from '../src/training/upn/batch.ts';
import { type UpnTrainingConfig, upnTrainingGraph } from '../src/training/upn/loss.ts';
import { upnStep } from '../src/training/upn/step.ts';
import { validateUpn } from '../src/training/upn/validate.ts';
import { renderScene } from '../src/world/scene.ts';
import { loadSpriteAtlas } from '../src/world/sprite-atlas.ts';

const config: UpnTrainingConfig = {
  upn: {
    backbone: { kind: 'convnext', depths: [1, 1, 1, 1], dims: [16, 32, 48, 64], kernelSize: 3, layerScale: 0.1 },
    backboneStages: [1, 2, 3],
    numLevels: 3,
    hiddenSize: 64,
    numHeads: 4,
    numPoints: 2,
    numEncoderLayers: 1,
    numDecoderLayers: 2,
    feedForwardSize: 128,
    numQueries: 40,
    shorterSide: 128,
    longerSide: 128,
    canvasMultiple: 32,
  },
  batchSize: 8,
  imageSize: 128,
  denoisingQueries: 20,
  namedObjects: 16,
  namingWeight: 1,
  maxPositiveTokens: 512,
};

test('eight scenes are learned by heart', { timeout: 300_000 }, async () => {
  const atlas = await loadSpriteAtlas();
  const scenes: ReturnType<typeof renderScene>[] = [];
  for (let index = 0; scenes.length < config.batchSize; index++) {
    const scene = renderScene(atlas, { split: 'train', seed: 8, index });
    if (scene.objects.length > 0 && scene.objects.length <= 12) scenes.push(scene);
  }
  const graph = upnTrainingGraph(createScope(), config);
  const { loss, metrics, predictions } = graph;
  const parameters = initializeParameters(graphOf({ loss, ...predictions }).parameters.values(), 1);
  const session = await GradientSession.create(loss, metrics, parameters, { predictions });
  const optimizer = createAdamwState(parameters.keys(), parameters);
  const batch = upnBatch(scenes, config.imageSize);
  const steps = 160;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { l1 } = await upnStep(session, config, batch, `overfit/${step}`);
    losses.push(l1);
    const rate = 2e-3 * Math.min(1, (step + 1) / 20) * (step > 0.75 * steps ? 0.25 : 1);
    adamwStep(parameters, session.finish(), optimizer, rate, { maxNorm: 1, beta2: 0.98 });
  }
  await session.dispose();
  const figures = await validateUpn(config, parameters, scenes);
  const late = losses.slice(-20).reduce((sum, value) => sum + value, 0) / 20;
  expect(late).toBeLessThan(losses[0] / 4);
  expect(figures['fine AP50']).toBeGreaterThan(0.9);
  expect(figures['coarse AP50']).toBeGreaterThan(0.9);
});
