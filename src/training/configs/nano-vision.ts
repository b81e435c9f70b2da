/**
 * Vision pre-training of the bundled model: a ConvNeXt and a CLIP ViT of 2.3 M parameters learn to name RexWorld's
 * objects.
 *
 * Command: `chatrex train vision --config nano --out runs/vision`. Time and score on two cores: see docs/log.md.
 */

import { clipVitPresets } from '../../vision/clip-vit.ts';
import { convNextPresets } from '../../vision/convnext.ts';
import type { VisionTraining } from '../vision/stage.ts';
import { worldData } from './world-data.ts';

export const nanoVision: VisionTraining = {
  seed: 1,
  steps: 6000,
  learningRate: 2e-3,
  warmupSteps: 100,
  finalRate: 0.01,
  maxNorm: 1,
  weightDecay: 0.02,
  validateEvery: 1000,
  parts: 2,
  data: [{ data: worldData('train', 1, 10_000), weight: 1 }],
  vision: {
    high: convNextPresets['convnext-nano'],
    low: clipVitPresets['clip-vit-nano'],
    imageSize: 256,
    batchSize: 4,
    objectsPerImage: 64,
    mosaicShare: 0.75,
    scenesPerMosaic: 5,
  },
};
