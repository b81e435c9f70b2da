/**
 * UPN of the bundled model: 2.4 M parameters, 1,344 tokens an image, two encoder and three decoder layers.
 *
 * Command: `chatrex train upn --config nano --backbone runs/vision --out runs/upn`, a second a step on two free cores. Score: see
 * docs/log.md. Its backbone comes knowing how to name, which is what makes it find (`--backbone`, or `--encoder` of a multimodal
 * model); it need not go on naming.
 */

import { upnPresets } from '../../proposals/config.ts';
import type { UpnTraining } from '../upn/stage.ts';

export const nanoUpn: UpnTraining = {
  seed: 1,
  steps: 6000,
  learningRate: 8e-4,
  warmupSteps: 200,
  finalRate: 0.02,
  maxNorm: 0.5,
  weightDecay: 0.01,
  validateEvery: 500,
  scenes: 10_000,
  validationScenes: 80,
  backboneRate: 1,
  upn: upnPresets['upn-nano'],
  parts: 2,
  batchSize: 4,
  imageSize: 256,
  denoisingQueries: 40,
  namedObjects: 0,
  namingWeight: 0,
  maxPositiveTokens: 1024,
};
