/** A whole NanoDet as small as can be, with weights from a formula: for tests of everything but what it has learned. */

import { nanoDetParameters } from '../../../vision/nanodet/network.ts';
import { patterned } from '../../testing/patterned.ts';
import { type NanoDetConfig, sizesOf } from '../config.ts';
import { NanoDet } from '../nanodet.ts';

const category = { slope: 1, offset: -1 };

/** Looks at 64 and at 128 pixels; scores of the second scale mean more. */
export const tinyNanoDetConfig: NanoDetConfig = {
  stemChannels: 4,
  stageBlocks: [1, 1, 1, 1],
  neckChannels: 8,
  maxDistance: 4,
  negativeSlope: 0.1,
  categories: ['cup', 'dog'],
  scales: [
    { side: 64, largestBox: 1, calibration: { object: { slope: 1, offset: 0 }, category } },
    { side: 128, largestBox: 0.25, calibration: { object: { slope: 1, offset: 2 }, category } },
  ],
  minScore: 0.3,
  nmsIou: 0.6,
};

/** @returns a network that finds boxes in anything */
export function tinyNanoDet(): NanoDet {
  const weights = nanoDetParameters(sizesOf(tinyNanoDetConfig)).map(({ name, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const deviation = shape.length === 1 ? 0.1 : 1.4 / Math.sqrt(count / shape[0]);
    return [name, { dtype: 'float32' as const, data: patterned(name, count, deviation) }] as const;
  });
  return new NanoDet({ config: tinyNanoDetConfig, weights: new Map(weights) }, { threads: 1 });
}
