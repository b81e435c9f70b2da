/** What a detector predicts, few enough to be kept and to be compared with any box. */

import { clip } from '../../tensor/ops/clip.ts';
import { concat } from '../../tensor/ops/concat.ts';
import { expand } from '../../tensor/ops/expand.ts';
import { gatherElements } from '../../tensor/ops/gather-elements.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reduceMax } from '../../tensor/ops/reduce-max.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { sigmoid } from '../../tensor/ops/sigmoid.ts';
import { topK } from '../../tensor/ops/top-k.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LevelPredictions } from './network.ts';
import { placeBoxes } from './place-boxes.ts';
import type { NanoDetSizes } from './sizes.ts';

/**
 * The places whose highest score is highest, [B, count, 4 + categories]: the corners of a box as shares of the image,
 * xyxy, and how likely it is of every category.
 * @param side of the square that the network saw
 */
export function likeliestPredictions(
  levels: readonly LevelPredictions[],
  config: Pick<NanoDetSizes, 'maxDistance' | 'categoryCount'>,
  { side, count }: { side: number; count: number },
): Tensor {
  const scores = concat(
    levels.map(({ logits }) => sigmoid(logits)),
    1,
  );
  const boxes = clip(multiply(placeBoxes(levels, config), 1 / side), { min: 0, max: 1 });
  const [batch, places] = scores.shape;
  const k = Math.min(count, places as number);
  const { indices } = topK(reduceMax(scores, { axes: [2], keepDims: false }), { k, axis: 1 });
  const width = 4 + config.categoryCount;
  const rows = expand(reshape(indices, [batch, k, 1]), [batch, k, width]);
  return gatherElements(concat([boxes, scores], 2), rows, { axis: 1 });
}
