/**
 * UPN of the bundled model: 2.4 M parameters, 1,344 tokens an image, two encoder and three decoder layers.
 *
 * Command: `chatrex train upn --config nano --backbone runs/vision --out runs/upn`, a second a step on two free cores.
 * Score: see docs/log.md. Start from a backbone pre-trained to name objects (`--backbone`, or `--encoder` of a
 * multimodal model); without one, recall stays low.
 */

import { upnPresets } from '../../proposals/config.ts';
import type { UpnTraining } from '../upn/stage.ts';
import { worldData } from './world-data.ts';

export const nanoUpn: UpnTraining = {
  seed: 1,
  steps: 6000,
  learningRate: 8e-4,
  warmupSteps: 200,
  finalRate: 0.02,
  maxNorm: 0.5,
  weightDecay: 0.01,
  validateEvery: 500,
  data: [{ data: worldData('train', 1, 10_000), weight: 1 }],
  validation: { data: worldData('val', 1, 80), count: 80 },
  backboneRate: 1,
  upn: upnPresets['upn-nano'],
  parts: 2,
  batchSize: 4,
  canvases: [{ width: 256, height: 256 }],
  isPadded: false,
  denoisingQueries: 40,
  maxPositiveTokens: 1024,
};
