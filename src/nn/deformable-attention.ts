/** Multi-scale deformable attention (Zhu et al., 2021) in the shapes of Deformable DETR's `ms_deform_attn`. */

import { type Dim, multiplyDims } from '../tensor/dimension.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { deformableSample } from '../tensor/ops/deformable-sample.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * Every query and head reads P places of each of L maps and adds them up by weight. Outside of the maps there are
 * zeros.
 *
 * @param value [N, S, heads, D]: the maps one after another, S the sum of their areas
 * @param spatialShapes [height, width] per map
 * @param samplingLocations [N, Q, heads, L, P, 2]: (x, y) in 0..1 over the map from its outer edges
 * @param attentionWeights [N, Q, heads, L, P]
 * @returns [N, Q, heads * D]
 */
export function multiScaleDeformableAttention(
  value: Tensor,
  spatialShapes: readonly (readonly [number, number])[],
  samplingLocations: Tensor,
  attentionWeights: Tensor,
): Tensor {
  const [batch, , heads, width] = value.shape;
  const channels = multiplyDims(heads, width);
  let start: Dim = 0;
  const maps = spatialShapes.map(([h, w]) => {
    const rows = slice(value, { axis: 1, start, end: (start as number) + h * w });
    start = (start as number) + h * w;
    // [N, H * W, heads, D] -> [N, heads * D, H, W]
    return reshape(transpose(rows, [0, 2, 3, 1]), [batch, channels, h, w]);
  });
  // Pixel coordinates as (y, x): [N, Q, heads, L, P, 2] -> [N, heads, L, P, 2, Q]
  const scale = constant('float32', [spatialShapes.length, 1, 2], spatialShapes.flat());
  const [x, y] = [0, 1].map((i) => slice(samplingLocations, { axis: 5, start: i, end: i + 1 }));
  const places = subtract(multiply(concat([y, x], 5), scale), 0.5);
  return transpose(
    deformableSample(maps, transpose(places, [0, 2, 3, 4, 5, 1]), transpose(attentionWeights, [0, 2, 3, 4, 1])),
    [0, 2, 1],
  );
}
