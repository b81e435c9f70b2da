/**
 * A small proposal network for photographs: the network of nano with a little more than its pixels, on a landscape and
 * a portrait canvas.
 *
 * Command: `chatrex train upn --data coco:instances.json,images=photos --out runs/upn`, or with `--from
 * models/nano/upn` to start from the weights of nano.
 */

import { upnPresets } from '../../proposals/config.ts';
import type { UpnTraining } from '../upn/stage.ts';

/** Without data: `--data` gives it. */
export const photosUpn: Omit<UpnTraining, 'data'> = {
  seed: 1,
  steps: 4000,
  learningRate: 8e-4,
  warmupSteps: 50,
  finalRate: 0.02,
  maxNorm: 0.5,
  weightDecay: 0.01,
  validateEvery: 500,
  backboneRate: 1,
  upn: { ...upnPresets['upn-nano'], shorterSide: 288, longerSide: 480, minScore: 0.3 },
  parts: 2,
  batchSize: 2,
  canvases: [
    { width: 384, height: 288 },
    { width: 288, height: 384 },
  ],
  isPadded: true,
  denoisingQueries: 40,
  maxPositiveTokens: 1024,
};
