/** From what a NanoDet says of every place to boxes. */

import { add } from '../../tensor/ops/add.ts';
import { concat } from '../../tensor/ops/concat.ts';
import { constant } from '../../tensor/ops/constant.ts';
import { matmul } from '../../tensor/ops/matmul.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { softmax } from '../../tensor/ops/softmax.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LevelPredictions } from './network.ts';
import type { NanoDetSizes } from './sizes.ts';

/** Boxes in pixels of the network's input, unclipped: [B, places of all levels, 4] xyxy. */
export function placeBoxes(
  levels: readonly LevelPredictions[],
  { maxDistance }: Pick<NanoDetSizes, 'maxDistance'>,
): Tensor {
  const bins = maxDistance + 1;
  return concat(
    levels.map(({ distances, height, width, stride }) => {
      const [batch, places] = distances.shape;
      const shares = softmax(reshape(distances, [batch, places, 4, bins]), { axis: -1 });
      // A mean over bins of 0, 1 ... strides is a product with those distances; left and top lead away from the centre.
      const scale = constant(
        'float32',
        [bins, 1],
        Array.from({ length: bins }, (_, bin) => bin * stride),
      );
      const sides = reshape(matmul(shares, scale), [batch, places, 4]);
      const signs = constant('float32', [4], [-1, -1, 1, 1]);
      return add(multiply(sides, signs), centres(height, width, stride));
    }),
    1,
  );
}

/** [1, h * w, 4]: the centre of every place, twice. */
function centres(height: number, width: number, stride: number): Tensor {
  const values = Array.from({ length: height * width }, (_, place) => {
    const [x, y] = [((place % width) + 0.5) * stride, (Math.floor(place / width) + 0.5) * stride];
    return [x, y, x, y];
  });
  return constant('float32', [1, height * width, 4], values.flat());
}
