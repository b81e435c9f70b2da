/** Specs of RexWorld, for the configurations of nano. */

import type { DatasetSpec } from '../../datasets/dataset.ts';

/** Scenes of a split; splits never share one. */
export const worldData = (split: 'train' | 'val', seed: number, size: number): DatasetSpec => ({
  format: 'world',
  options: { split, seed, size },
});
