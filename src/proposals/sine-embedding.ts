/** Numbers as sines and cosines of falling frequency: positions of tokens and boxes of queries. */

import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { cos } from '../tensor/ops/cos.ts';
import { cumulativeSum } from '../tensor/ops/cumulative-sum.ts';
import { divide } from '../tensor/ops/divide.ts';
import { expand } from '../tensor/ops/expand.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { sin } from '../tensor/ops/sin.ts';
import { slice } from '../tensor/ops/slice.ts';
import type { Tensor } from '../tensor/tensor.ts';

const gridTemperature = 20;
const boxTemperature = 10_000;

/**
 * Position embedding of a feature map, `PositionEmbeddingSineHW` of the official code: rows, then columns, counted over
 * the valid part and scaled to 0..2 pi.
 * @param valid float [B, h, w], 1 where there is image
 * @param hasPadding whether it can be 0 anywhere; without, sines of one line and one column are enough
 * @returns [B, h*w, channels]
 */
export function gridEmbedding(valid: Tensor, channels: number, hasPadding: boolean): Tensor {
  const [batch, height, width] = valid.shape as [number, number, number];
  const axes = [1, 2].map((axis) => {
    const counted = hasPadding ? valid : slice(valid, { axis: 3 - axis, start: 0, end: 1 });
    const count = cumulativeSum(counted, { axis });
    const total = slice(count, { axis, start: -1 });
    const angle = multiply(divide(count, add(total, 1e-6)), 2 * Math.PI);
    const features = sineFeatures(angle, channels / 2, gridTemperature);
    const everywhere = hasPadding ? features : expand(features, [batch, height, width, channels / 2]);
    return reshape(everywhere, [batch, height * width, channels / 2]);
  });
  return concat(axes, 2);
}

/**
 * Embedding of boxes, `gen_sineembed_for_position` of the official code.
 * @param boxesCxcywhNormalized [B, N, 4]
 * @returns [B, N, 2 * channels], in the order y, x, width, height
 */
export function boxEmbedding(boxesCxcywhNormalized: Tensor, channels: number): Tensor {
  const [batch, queries] = boxesCxcywhNormalized.shape;
  const angles = multiply(boxesCxcywhNormalized, 2 * Math.PI);
  const features = [1, 0, 2, 3].map((coordinate) => {
    const angle = reshape(slice(angles, { axis: 2, start: coordinate, end: coordinate + 1 }), [batch, queries]);
    return sineFeatures(angle, channels / 2, boxTemperature);
  });
  return concat(features, 2);
}

/** [...] -> [..., features]: sine and cosine in turn of angle / temperature^(2i / features). */
function sineFeatures(angle: Tensor, features: number, temperature: number): Tensor {
  const half = features / 2;
  const wavelengths = Array.from({ length: half }, (_, i) => temperature ** ((2 * i) / features));
  const angles = divide(reshape(angle, [...angle.shape, 1]), constant('float32', [half], wavelengths));
  const pairs = [sin(angles), cos(angles)].map((part) => reshape(part, [...angle.shape, half, 1]));
  return reshape(concat(pairs, -1), [...angle.shape, features]);
}
