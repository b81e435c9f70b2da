/** Region features: RoIAlign, and its mean over the bins as one matrix product that needs no bins at all. */

import { multiplyDims } from '../tensor/dimension.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { type RoiAlignAttributes, roiWeights } from '../tensor/ops/roi-weights.ts';
import type { Tensor } from '../tensor/tensor.ts';

export { roiAlign } from '../tensor/ops/roi-align.ts';

/**
 * The mean of roiAlign's bins: x [N, C, H, W] of static H and W, boxes [N, K, 4] -> [N, K, C].
 * Gradient flows to x and to boxes.
 */
export function roiAlignMean(
  x: Tensor,
  boxes: Tensor,
  {
    outputSize,
    samplingRatio = -1,
    spatialScale = 1,
    aligned = true,
  }: Partial<RoiAlignAttributes> & { outputSize: number },
): Tensor {
  const [n, channels, height, width] = x.shape;
  const k = boxes.shape[1];
  const attributes = { outputSize, samplingRatio, spatialScale, aligned };
  const { vertical, horizontal } = roiWeights(boxes, [height, width], attributes);
  const rows = reduceMean(vertical, { axes: [2] });
  const columns = reduceMean(horizontal, { axes: [2] });
  const pixels = multiplyDims(height, width);
  const shares = multiply(reshape(rows, [n, k, height, 1]), reshape(columns, [n, k, 1, width]));
  return matmul(reshape(shares, [n, k, pixels]), reshape(x, [n, channels, pixels]), { transposeB: true });
}
