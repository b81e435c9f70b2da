/**
 * Region pooling as two matrix products: RoIAlign (He et al., 2017) reads bilinear samples on a regular grid and
 * averages them, all of which is linear and goes by rows and columns separately. Agrees with torchvision's `roi_align`.
 */

import type { Dim } from '../dimension.ts';
import { staticDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { abs } from './abs.ts';
import { add } from './add.ts';
import { and } from './and.ts';
import { cast } from './cast.ts';
import { ceil } from './ceil.ts';
import { clip } from './clip.ts';
import { constant } from './constant.ts';
import { divide } from './divide.ts';
import { greaterOrEqual } from './greater-or-equal.ts';
import { less } from './less.ts';
import { lessOrEqual } from './less-or-equal.ts';
import { maximum } from './maximum.ts';
import { multiply } from './multiply.ts';
import { reduceSum } from './reduce-sum.ts';
import { relu } from './relu.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { subtract } from './subtract.ts';

export interface RoiAlignAttributes {
  /** Bins along either side of a region. */
  readonly outputSize: number;
  /** Samples along either side of a bin; -1 takes one per pixel that the bin covers, rounded up. */
  readonly samplingRatio: number;
  /** Size of the map over the size of the image that boxes refer to. */
  readonly spatialScale: number;
  /** Whether pixel centres lie at halves, as they should; false is the older behaviour of Detectron. */
  readonly aligned: boolean;
}

/**
 * How much of every row and column of a map is in every bin of every box.
 * @param boxes [..., 4] xyxy, which do not reach further than the size of the map beyond it
 * @param size static height and width of the map
 * @returns vertical [..., outputSize, H] and horizontal [..., outputSize, W]; each bin sums to 1 inside of the map
 */
export function roiWeights(boxes: Tensor, size: readonly [Dim, Dim], attributes: RoiAlignAttributes) {
  const side = (from: number, length: Dim) => {
    const shape = boxes.shape.slice(0, -1);
    const edge = (i: number) => reshape(slice(boxes, { axis: -1, start: i, end: i + 1 }), shape);
    return axisWeights(edge(from), edge(from + 2), staticDim(length, 'the size of the map'), attributes);
  };
  return { vertical: side(1, size[0]), horizontal: side(0, size[1]) };
}

/** Along one axis: boxes from `low` to `high` [...] -> [..., bins, size]. */
function axisWeights(low: Tensor, high: Tensor, size: number, attributes: RoiAlignAttributes): Tensor {
  const { outputSize: bins, samplingRatio, spatialScale, aligned } = attributes;
  const lead = low.shape;
  const toColumn = (x: Tensor) => reshape(x, [...lead, 1, 1]);
  const first = toColumn(subtract(multiply(low, spatialScale), aligned ? 0.5 : 0));
  const length = toColumn(multiply(subtract(high, low), spatialScale));
  const bin = divide(aligned ? length : maximum(length, 1), bins);
  const most = samplingRatio > 0 ? samplingRatio : Math.ceil(size / bins) + 1;
  const count = samplingRatio > 0 ? constant('float32', [], [samplingRatio]) : ceil(bin);
  // A box without height or width has no samples; its bins are 0.
  const divisor = maximum(count, 1);
  const counting = (n: number, shape: number[]) =>
    constant(
      'float32',
      shape,
      Array.from({ length: n }, (_, i) => i),
    );
  const sample = counting(most, [1, most]);
  // [..., bins, samples]: first + bin * (index of the bin + (sample + 1/2) / count)
  const inBin = divide(add(sample, 0.5), divisor);
  const place = add(first, multiply(bin, add(counting(bins, [bins, 1]), inBin)));
  const isCounted = and(less(sample, count), and(greaterOrEqual(place, -1), lessOrEqual(place, size)));
  const share = divide(cast(isCounted, 'float32'), divisor);
  const clamped = clip(place, { min: 0, max: size - 1 });
  // [..., bins, samples, size]: a hat of height 1 over every place
  const distance = abs(subtract(reshape(clamped, [...clamped.shape, 1]), counting(size, [size])));
  const hats = multiply(relu(subtract(1, distance)), reshape(share, [...share.shape, 1]));
  return reduceSum(hats, { axes: [-2] });
}
