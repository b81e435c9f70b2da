/**
 * The graph of the whole model up to the language model's input (paper section 3.2, figure 3).
 *
 * Agrees with RexSeek's `encode_images` and `encode_objects`; `gated` fusion and the paper's tags are configurations.
 */

import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { type ObjectInputs, placeChannels, placeEmbedding } from '../objects/object-encoder.ts';
import { add } from '../tensor/ops/add.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fusion } from '../vision/fusion.ts';
import { mapChannels, mapEncoder } from '../vision/map-encoder.ts';
import { tokenChannels, tokenEncoder } from '../vision/token-encoder.ts';
import { type ChatRexConfig, imageTokenCount, languageConfig } from './config.ts';
import { objectProjector } from './object-projector.ts';

/** Where the encoders' parameters stand. */
export const lowEncoder = 'vision_tower.vision_tower';
export const highEncoder = 'vision_tower_aux';

/** What both encoders make of an image; everything after them is small. */
export interface ImageFeatures {
  /** Patches of the low-resolution encoder [B, T, C], where there is one. */
  readonly low?: Tensor;
  /** Maps of the high-resolution encoder [B, C_i, H_i, W_i], finest first. */
  readonly maps: readonly Tensor[];
  /** What a detector predicts, where it is the high-resolution encoder and says so: [B, P, 4 + categories] each. */
  readonly predictions: readonly Tensor[];
}

/**
 * Boxes on an image as the language model knows them, [B, K, language.hidden_size] each; one and the same without
 * `hasPlace`.
 */
export interface ObjectTokens {
  /** What is in the box. */
  readonly content: Tensor;
  /** What the model reads at an object's place. */
  readonly read: Tensor;
  /** What the model compares its hidden state with to choose an object. */
  readonly choice: Tensor;
}

export interface ChatRexVision {
  /** Normalised images, low [B, 3, low.imageSize, low.imageSize] and high [B, 3, S, S], S being `highPixels`. */
  encode(pixelsLow: Tensor | undefined, pixelsHigh: Tensor): ImageFeatures;
  /** Both encoders' tokens fused, [B, T, language.hidden_size]. */
  imageTokens(image: ImageFeatures): Tensor;
  objectTokens(image: ImageFeatures, objects: ObjectInputs): ObjectTokens;
}

/** Encoders, fusion and projectors. */
export function chatRexVision(scope: Scope, config: ChatRexConfig): ChatRexVision {
  const vision = scope.withLinearFormat(config.quantization?.vision ?? 'float');
  const { hiddenSize } = languageConfig(config);
  const { tiedObjects } = config.extensions ?? {};
  const tokenScale = tiedObjects?.tokenScale;
  const dims = mapChannels(config.high);
  const [lowChannels, highChannels] = [config.low ? tokenChannels(config.low) : 0, dims[dims.length - 1]];
  const encodeLow = config.low && tokenEncoder(vision.at(lowEncoder), config.low);
  const encodeHigh = mapEncoder(vision.at(highEncoder), config.high);
  const fuse = fusion(vision, { kind: config.fusion, lowChannels, highChannels, hiddenSize, tokenScale });
  const projectObjects = objectProjector(vision, config);
  // Two projections: position matters when a question mentions an object, but must not outweigh the category when
  // objects are chosen by name.
  const place = vision.at('mm_object_place');
  const placeIn = (name: string, deviation: number) =>
    linear(place.at(name), placeChannels, hiddenSize, { hasBias: false, deviation });
  const places = tiedObjects?.hasPlace ? { read: placeIn('read', 0.04), choice: placeIn('choice', 0.02) } : undefined;
  return {
    encode: (pixelsLow, pixelsHigh) => ({
      ...(encodeLow && pixelsLow && { low: encodeLow(pixelsLow) }),
      ...encodeHigh(pixelsHigh),
    }),
    imageTokens: ({ low, maps }) => {
      const last = maps[maps.length - 1];
      // [B, C, H, W] -> [B, H * W, C], in the order of the patches
      const high = transpose(reshape(last, [last.shape[0], highChannels, imageTokenCount(config)]), [0, 2, 1]);
      return fuse(low, high);
    },
    objectTokens: (image, objects) => {
      const content = projectObjects(image, objects);
      if (!places) return { content, read: content, choice: content };
      const embedding = placeEmbedding(objects.boxesCxcywhNormalized);
      const [read, choice] = [places.read, places.choice].map((map) => add(content, map(embedding)));
      return { content, read, choice };
    },
  };
}
