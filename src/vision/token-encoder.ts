/**
 * Encoders that turn an image into tokens at one stride: the low-resolution encoder of a ChatRex. The paper's is CLIP's
 * ViT; a classifier of photographs can take its place.
 */

import { z } from 'zod';
import type { Scope } from '../nn/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { clipVit, clipVitTokens } from './clip-vit.ts';
import {
  efficientNetLite,
  efficientNetLiteChannels,
  efficientNetLiteSchema,
  efficientNetLiteTokens,
} from './efficientnet-lite.ts';

const count = z.int().positive();

/** Sizes of a ViT, as fields of a schema. */
export const clipVitShape = {
  hiddenSize: count,
  intermediateSize: count,
  numHiddenLayers: count,
  numAttentionHeads: count,
  imageSize: count,
  patchSize: count,
  selectLayer: z.int().negative(),
};

const clipVitSchema = z.object({ kind: z.undefined().optional(), ...clipVitShape });

/** A configuration without a kind is that of a ViT. */
export const tokenEncoderSchema = z.union([efficientNetLiteSchema, clipVitSchema]);

export type TokenEncoderConfig = z.output<typeof tokenEncoderSchema>;

/** Tokens of an image. */
export const tokenCount = (config: TokenEncoderConfig): number =>
  config.kind === 'efficientnet-lite' ? efficientNetLiteTokens(config) : clipVitTokens(config);

/** Channels of a token. */
export const tokenChannels = (config: TokenEncoderConfig): number =>
  config.kind === 'efficientnet-lite' ? efficientNetLiteChannels : config.hiddenSize;

/** Images [B, 3, imageSize, imageSize], normalised -> [B, T, C], row by row. */
export const tokenEncoder = (scope: Scope, config: TokenEncoderConfig): ((images: Tensor) => Tensor) =>
  config.kind === 'efficientnet-lite' ? efficientNetLite(scope, config) : clipVit(scope, config);
