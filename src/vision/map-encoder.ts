/**
 * Encoders that turn an image into maps at several strides: the high-resolution encoder of a ChatRex, from whose maps
 * objects are pooled. The paper's is a ConvNeXt; a detector that knows photographs can take its place.
 */

import { z } from 'zod';
import type { Scope } from '../nn/scope.ts';
import { concat } from '../tensor/ops/concat.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { resize } from '../tensor/ops/resize.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convNext, convNextStrides } from './convnext.ts';
import { type LevelPredictions, nanoDetNetwork } from './nanodet/network.ts';
import { likeliestPredictions } from './nanodet/predictions.ts';
import { levelCount, levelStrides, nanoDetSizesShape } from './nanodet/sizes.ts';

const count = z.int().positive();

const convNextSchema = z.object({
  kind: z.literal('convnext'),
  depths: z.array(count).readonly(),
  dims: z.array(count).readonly(),
  kernelSize: count,
  layerScale: z.number(),
});

/** The maps that its heads see, and beside them how likely it takes every place for each of its categories. */
const nanoDetSchema = z.object({
  kind: z.literal('nanodet'),
  ...nanoDetSizesShape,
  categoryCount: count,
  /**
   * What the channels and the scores of a place are multiplied by; 1 by default. A detector's maps are small beside the
   * embedding of a box, to which they are added, and a projector learns late to look at what is small.
   */
  mapScale: z.object({ channels: z.number().positive(), scores: z.number().positive() }).optional(),
  /**
   * The image comes twice as large, and the detector looks at both sizes. Of each its likeliest predictions, so many,
   * are kept, and an object's token also has their scores of its box, times `scale`: a map pooled over a box says less.
   */
  predictions: z.object({ count, scale: z.number().positive() }).optional(),
});

/** A configuration without a kind is that of a ConvNeXt. */
export const mapEncoderSchema = z.preprocess(
  (json) => (json !== null && typeof json === 'object' && !('kind' in json) ? { kind: 'convnext', ...json } : json),
  z.discriminatedUnion('kind', [convNextSchema, nanoDetSchema]),
);

export type MapEncoderConfig = z.output<typeof mapEncoderSchema>;

/** Strides of the maps against the image, finest first. */
export const mapStrides = (config: MapEncoderConfig): readonly number[] =>
  config.kind === 'convnext' ? convNextStrides : levelStrides(config);

/** Channels of the maps, finest first. */
export const mapChannels = (config: MapEncoderConfig): readonly number[] =>
  config.kind === 'convnext'
    ? config.dims
    : new Array<number>(levelCount).fill(config.neckChannels + config.categoryCount);

/** How many times larger than the image of the maps the encoder wants it. */
export const pixelScale = (config: MapEncoderConfig): 1 | 2 =>
  config.kind === 'nanodet' && config.predictions ? 2 : 1;

/** Shapes of `predictions` but for the batch. */
export function predictionShapes(config: MapEncoderConfig, imageSize: number): (readonly [number, number])[] {
  if (config.kind !== 'nanodet' || !config.predictions) return [];
  const { categoryCount, predictions } = config;
  return [1, 2].map((scale) => {
    const places = levelStrides(config).reduce((sum, stride) => sum + ((scale * imageSize) / stride) ** 2, 0);
    return [Math.min(predictions.count, places), 4 + categoryCount];
  });
}

/** What an encoder makes of images. */
export interface EncodedMaps {
  /** [B, C, h, w], finest first. */
  readonly maps: readonly Tensor[];
  /** What a detector predicts at each size of the image, [B, P, 4 + categories]: see `likeliestPredictions`. */
  readonly predictions: readonly Tensor[];
}

/**
 * Encodes images [B, 3, s * H, s * W], normalised, s being `pixelScale`, H and W static multiples of the largest
 * stride.
 */
export function mapEncoder(scope: Scope, config: MapEncoderConfig): (images: Tensor) => EncodedMaps {
  if (config.kind === 'convnext') {
    const encode = convNext(scope, config);
    return (images) => ({ maps: encode(images), predictions: [] });
  }
  const network = nanoDetNetwork(scope, config);
  const { mapScale, predictions } = config;
  const predicted = (levels: readonly LevelPredictions[], { shape: [, , , side] }: Tensor) =>
    predictions ? [likeliestPredictions(levels, config, { side: side as number, count: predictions.count })] : [];
  return (images) => {
    const image = predictions ? halved(images) : images;
    const maps = network.maps(image);
    const levels = network.predict(maps);
    const withScores = levels.map(({ logits, height, width }, level) => {
      const scores = transpose(sigmoid(logits), [0, 2, 1]);
      const asMap = reshape(scores, [maps[level].shape[0], config.categoryCount, height, width]);
      if (!mapScale) return concat([maps[level], asMap], 1);
      return concat([multiply(maps[level], mapScale.channels), multiply(asMap, mapScale.scores)], 1);
    });
    const closer = predictions ? predicted(network.predict(network.maps(images)), images) : [];
    return { maps: withScores, predictions: [...predicted(levels, image), ...closer] };
  };
}

/** Means of two by two pixels. */
function halved(images: Tensor): Tensor {
  const [, , height, width] = images.shape as [unknown, number, number, number];
  return resize(images, { height: height / 2, width: width / 2, mode: 'bilinear' });
}
