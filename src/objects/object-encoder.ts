/**
 * The object encoder: every box becomes one token (paper section 3.2).
 *
 * Agrees with RexSeek's `MultiLevelROIVisualPrompt`: all four levels resized to the finest and concatenated, RoIAlign,
 * mean, plus a sine embedding of the box. Resizing, sampling and averaging are linear in the features and separable, so
 * here each level is read by one matrix product with weights per row and column; no map is resized.
 */

import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { cos } from '../tensor/ops/cos.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { interpolationMatrix } from '../tensor/ops/resize.ts';
import { sin } from '../tensor/ops/sin.ts';
import { slice } from '../tensor/ops/slice.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import { staticDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface ObjectInputs {
  /** Weights of `poolingWeights` over rows and columns of the finest map: [B, K, H0] and [B, K, W0]. */
  readonly rows: Tensor;
  readonly columns: Tensor;
  /** [B, K, 4] centre, width and height as shares of the square input. */
  readonly boxesCxcywhNormalized: Tensor;
}

/** Bins per side of a box, as in the released models. */
export const roiOutputSize = 7;

/**
 * Feature maps [B, C_i, H_i, W_i], finest first -> `content` (pooled features) and `object` (with the box embedding),
 * both [B, K, sum C_i].
 */
export function encodeObjects(maps: readonly Tensor[], inputs: ObjectInputs): { content: Tensor; object: Tensor } {
  const content = concat(
    maps.map((map) => poolLevel(map, inputs)),
    2,
  );
  const channels = staticDim(content.shape[2], 'the number of feature channels');
  return { content, object: add(content, boxEmbedding(inputs.boxesCxcywhNormalized, channels)) };
}

function poolLevel(map: Tensor, inputs: ObjectInputs): Tensor {
  const [batch, channels, height, width] = map.shape;
  const [h, w] = [staticDim(height, 'the height of a map'), staticDim(width, 'the width of a map')];
  const features = reshape(map, [batch, channels, h * w]);
  return matmul(weightsOnLevel(inputs, h, w), transpose(features, [0, 2, 1]));
}

/** Tokens [B, side * side, C] of a square image, row by row, pooled over boxes as maps are: [B, K, C]. */
export function poolTokens(tokens: Tensor, inputs: ObjectInputs): Tensor {
  const side = Math.sqrt(staticDim(tokens.shape[1], 'the number of tokens'));
  return matmul(weightsOnLevel(inputs, side, side), tokens);
}

/** How much every place of a level has of every box, [B, K, h * w]. */
function weightsOnLevel({ rows, columns }: ObjectInputs, h: number, w: number): Tensor {
  const [batch, count] = rows.shape;
  const [rowShare, columnShare] = [onLevel(rows, h), onLevel(columns, w)];
  const weights = multiply(reshape(rowShare, [batch, count, h, 1]), reshape(columnShare, [batch, count, 1, w]));
  return reshape(weights, [batch, count, h * w]);
}

/** Weights over the finest map carried back through its bilinear enlargement to a level of `size` rows or columns. */
function onLevel(weights: Tensor, size: number): Tensor {
  const finest = staticDim(weights.shape[2], 'the size of the finest map');
  if (finest === size) return weights;
  const matrix = interpolationMatrix(size, finest, { mode: 'bilinear', alignCorners: false });
  return matmul(weights, constant('float32', matrix.shape, Float32Array.from(matrix.data)));
}

/**
 * Sine-cosine embedding of boxes [B, K, 4] -> [B, K, channels], a quarter each for y, x, width and height, sines and
 * cosines interleaved; wavelengths rise from 1 to `temperature` shares of the image, 10000 as in the released models.
 */
export function boxEmbedding(boxesCxcywhNormalized: Tensor, channels: number, temperature = 10_000): Tensor {
  const quarter = channels / 4;
  const frequencies = waves(quarter, temperature);
  const isSine = frequencies.map((_, i) => Number(i % 2 === 0));
  const pick = (values: number[]) => constant('float32', [quarter], values);
  const parts = coordinates.map((coordinate) => {
    const angle = multiply(
      slice(boxesCxcywhNormalized, { axis: 2, start: coordinate, end: coordinate + 1 }),
      pick(frequencies),
    );
    return add(multiply(sin(angle), pick(isSine)), multiply(cos(angle), pick(isSine.map((s) => 1 - s))));
  });
  return concat(parts, 2);
}

/** y, x, width, height of (cx, cy, w, h). */
const coordinates = [1, 0, 2, 3] as const;

const waves = (count: number, temperature: number): number[] =>
  Array.from({ length: count }, (_, i) => (2 * Math.PI) / temperature ** ((2 * Math.floor(i / 2)) / count));

/** Channels of `placeEmbedding`. */
export const placeChannels = 128;
/** Every wave varies over an image. */
const placeTemperature = 20;
/** A box like many: a quarter of the image's side, in its middle. */
const usualBox = [0.5, 0.5, 0.25, 0.25];

/**
 * Where boxes are [B, K, 4] -> [B, K, placeChannels], as what sets them apart from a box like many: `boxEmbedding` with
 * waves as long as an image instead of thousands of them, less that of the usual box.
 */
export function placeEmbedding(boxesCxcywhNormalized: Tensor): Tensor {
  const frequencies = waves(placeChannels / 4, placeTemperature);
  const usual = coordinates.flatMap((coordinate) =>
    frequencies.map((frequency, i) => (i % 2 === 0 ? Math.sin : Math.cos)(usualBox[coordinate] * frequency)),
  );
  const embedding = boxEmbedding(boxesCxcywhNormalized, placeChannels, placeTemperature);
  return subtract(embedding, constant('float32', [placeChannels], usual));
}
