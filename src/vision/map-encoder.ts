/**
 * Encoders that turn an image into maps at several strides: the high-resolution encoder of a ChatRex, from whose maps
 * objects are pooled. The paper's is a ConvNeXt; a detector that knows photographs can take its place.
 */

import { z } from 'zod';
import type { Scope } from '../nn/scope.ts';
import { concat } from '../tensor/ops/concat.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convNext, convNextStrides } from './convnext.ts';
import { nanoDetNetwork } from './nanodet/network.ts';
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

/**
 * Images [B, 3, H, W], normalised, H and W static multiples of the largest stride -> maps [B, C, h, w], finest first.
 */
export function mapEncoder(scope: Scope, config: MapEncoderConfig): (images: Tensor) => Tensor[] {
  if (config.kind === 'convnext') return convNext(scope, config);
  const network = nanoDetNetwork(scope, config);
  return (images) => {
    const maps = network.maps(images);
    return network.predict(maps).map(({ logits, height, width }, level) => {
      const scores = transpose(sigmoid(logits), [0, 2, 1]);
      const asMap = reshape(scores, [maps[level].shape[0], config.categoryCount, height, width]);
      const { mapScale } = config;
      if (!mapScale) return concat([maps[level], asMap], 1);
      return concat([multiply(maps[level], mapScale.channels), multiply(asMap, mapScale.scores)], 1);
    });
  };
}
