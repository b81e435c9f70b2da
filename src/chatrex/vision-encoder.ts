/** Vision in a session: an image and its boxes in, image and object tokens out. */

import type { BoxArray } from '../boxes/box-array.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { createScope } from '../nn/scope.ts';
import type { ObjectInputs } from '../objects/object-encoder.ts';
import type { WeightStorage } from '../onnx/emit.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import { Session, type SessionOptions } from '../runtime/session.ts';
import type { Dim } from '../tensor/dimension.ts';
import { input } from '../tensor/ops/input.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mapChannels, mapStrides, predictionShapes } from '../vision/map-encoder.ts';
import { tokenChannels } from '../vision/token-encoder.ts';
import { explainNaN, hasNaN } from '../weights/non-finite.ts';
import { type ChatRexConfig, finestMapSize, highPixels, imageTokenCount } from './config.ts';
import { type ChatRexVision, chatRexVision, type ImageFeatures } from './network.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';

/** Tokens of images, ready for the language model. */
export interface SeenTokens {
  /** [B, T, hiddenSize] */
  readonly imageTokens: HostTensor<'float32'>;
  /** As the model reads them, [B, K, hiddenSize]. */
  readonly objectTokens: HostTensor<'float32'>;
  /** As the model chooses among them, if that differs, [B, K, hiddenSize]. */
  readonly objectChoices?: HostTensor<'float32'>;
}

/** Encoders of larger images compute in hundreds of megabytes, for a second, and then not until the next image. */
const largestKept = 512;

export class VisionEncoder {
  readonly #config: ChatRexConfig;
  readonly #session: Session<string>;

  readonly #weights: WeightStorage;

  private constructor(config: ChatRexConfig, session: Session<string>, weights: WeightStorage) {
    this.#config = config;
    this.#session = session;
    this.#weights = weights;
  }

  /** @throws ChatRexError when a weight is missing or ONNX Runtime refuses the model */
  static async create(config: ChatRexConfig, weights: WeightStorage, options?: SessionOptions): Promise<VisionEncoder> {
    const outputs = visionOutputs(chatRexVision(createScope(), config), config);
    const keepsMemory = config.imageSize <= largestKept;
    const session = await Session.create(outputs, weights, { keepsMemory, plansMemory: false, ...options });
    return new VisionEncoder(config, session, weights);
  }

  /**
   * @param boxesXyxy per image [K, 4] in its pixels; where one has fewer than another, empty boxes follow
   * @throws ChatRexError 'invalid-file' when weights hold NaN, naming them; 'aborted'
   */
  async encode(images: readonly RgbImage[], boxesXyxy: readonly BoxArray[], signal?: AbortSignal): Promise<SeenTokens> {
    const feeds = { ...pixelFeeds(images, this.#config), ...boxFeeds(images, boxesXyxy, this.#config) };
    const seen = (await this.#session.run(feeds, {}, signal)) as unknown as SeenTokens;
    if (hasNaN(seen.imageTokens.data) || hasNaN(seen.objectTokens.data)) {
      throw await explainNaN('tokens of the image', this.#weights);
    }
    return seen;
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

/** Inputs named as `pixelFeeds` and `boxFeeds` name them; sizes are symbolic where none are given. */
export function visionInputs(
  config: ChatRexConfig,
  { batch = 'batch', boxes = 'boxes' }: { batch?: Dim; boxes?: Dim } = {},
): { pixelsLow?: Tensor; pixelsHigh: Tensor; objects: ObjectInputs } {
  const { low } = config;
  const side = highPixels(config);
  const finest = finestMapSize(config);
  return {
    ...(low && { pixelsLow: input('pixelsLow', 'float32', [batch, 3, low.imageSize, low.imageSize]) }),
    pixelsHigh: input('pixelsHigh', 'float32', [batch, 3, side, side]),
    objects: {
      rows: input('rows', 'float32', [batch, boxes, finest]),
      columns: input('columns', 'float32', [batch, boxes, finest]),
      boxesCxcywhNormalized: input('boxesCxcywhNormalized', 'float32', [batch, boxes, 4]),
    },
  };
}

/** What the encoders would make of an image, as inputs: for training on images that were encoded before. */
export function encodedInputs(config: ChatRexConfig, batch: Dim): ImageFeatures {
  const { low } = config;
  return {
    ...(low && { low: input('low', 'float32', [batch, imageTokenCount(config), tokenChannels(low)]) }),
    maps: encodedMaps(config, batch, (i) => `map ${i}`),
    predictions: encodedPredictions(config, batch, (i) => `predictions ${i}`),
  };
}

/** What its encoders predict of an image, as inputs. */
export const encodedPredictions = (config: ChatRexConfig, batch: Dim, nameOf: (i: number) => string): Tensor[] =>
  predictionShapes(config.high, config.imageSize).map((shape, i) => input(nameOf(i), 'float32', [batch, ...shape]));

/** Everything of an image by the names of `encodedInputs`. */
export const namedFeatures = ({ low, maps, predictions }: ImageFeatures): Record<string, Tensor> => ({
  ...(low && { low }),
  ...Object.fromEntries(maps.map((map, i) => [`map ${i}`, map])),
  ...Object.fromEntries(predictions.map((one, i) => [`predictions ${i}`, one])),
});

/** The high-resolution encoder's maps of an image, as inputs [B, C_i, H_i, W_i], finest first. */
export function encodedMaps({ high, imageSize }: ChatRexConfig, batch: Dim, nameOf: (i: number) => string): Tensor[] {
  return mapChannels(high).map((channels, i) => {
    const side = imageSize / mapStrides(high)[i];
    return input(nameOf(i), 'float32', [batch, channels, side, side]);
  });
}

/** The tensors of `SeenTokens`. */
export function visionOutputs(vision: ChatRexVision, config: ChatRexConfig): Record<string, Tensor> {
  const { pixelsLow, pixelsHigh, objects } = visionInputs(config);
  const image = vision.encode(pixelsLow, pixelsHigh);
  const { read, choice } = vision.objectTokens(image, objects);
  return {
    imageTokens: vision.imageTokens(image),
    objectTokens: read,
    ...(choice !== read && { objectChoices: choice }),
  };
}
