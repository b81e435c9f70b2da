/**
 * Bytes to the float planes that a network reads, in a batch with a padding mask.
 *
 * Agrees with torchvision's `to_tensor` then `normalize`, and with ChatRex `nested_tensor_from_tensor_list`: images lie
 * in the top left corner, and outside them the values are 0 *after* normalisation.
 */
import { ChatRexError } from '../errors.ts';
import { assertImageSize, type ImageSize, type RgbImage } from './rgb-image.ts';

/** Mean and standard deviation of red, green and blue on the scale 0..1. */
export interface ChannelStatistics {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** ImageNet's, used by Swin (UPN) and ConvNeXt trained on it. */
export const IMAGENET_STATISTICS: ChannelStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Pixels of 0 to 255, less 127, divided by 128. */
export const EFFICIENTNET_LITE_STATISTICS: ChannelStatistics = {
  mean: [127 / 255, 127 / 255, 127 / 255],
  std: [128 / 255, 128 / 255, 128 / 255],
};

/** OpenAI CLIP's, used by the ViT, and by the high-resolution encoder in the released models. */
export const CLIP_STATISTICS: ChannelStatistics = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** `count` images on canvases of one size. */
export interface ImageBatch extends ImageSize {
  readonly count: number;
  /** [count, 3, height, width] float32, normalised; 0 outside the images. */
  readonly pixels: Float32Array;
  /** [count, height, width]; 1 where there is padding, 0 where there is image (the official meaning). */
  readonly mask: Uint8Array;
}

/** An empty batch: all padding. It can be filled again and again with `setImage`. */
export function createImageBatch(count: number, { width, height }: ImageSize): ImageBatch {
  assertImageSize({ width, height });
  return {
    count,
    width,
    height,
    pixels: new Float32Array(count * 3 * height * width),
    mask: new Uint8Array(count * height * width).fill(1),
  };
}

/**
 * Normalises `image` into place `index` of the batch, replacing whatever was there.
 * @throws ChatRexError `invalid-argument` if there is no such place or the image is larger than the canvas.
 */
export function setImage(batch: ImageBatch, index: number, image: RgbImage, statistics: ChannelStatistics): void {
  if (!Number.isInteger(index) || index < 0 || index >= batch.count) {
    throw new ChatRexError('invalid-argument', `The batch has places 0 to ${batch.count - 1}; got ${index}.`);
  }
  if (image.width > batch.width || image.height > batch.height) {
    throw new ChatRexError(
      'invalid-argument',
      `An image of ${image.width} x ${image.height} does not fit a canvas of ${batch.width} x ${batch.height}.`,
    );
  }
  const plane = batch.width * batch.height;
  const mask = batch.mask.subarray(index * plane, (index + 1) * plane);
  const isWhole = image.width === batch.width && image.height === batch.height;
  mask.fill(isWhole ? 0 : 1);
  if (!isWhole)
    for (let row = 0; row < image.height; row++) mask.fill(0, row * batch.width, row * batch.width + image.width);
  const start = index * 3 * plane;
  fillPlanes(
    [0, 1, 2].map((channel) => batch.pixels.subarray(start + channel * plane, start + (channel + 1) * plane)),
    batch.width,
    image,
    [0, 1, 2].map((channel) => normalisedBytes(statistics, channel)),
  );
}

/** The 256 possible results, rounded to float32 after every step as torch does. */
function normalisedBytes({ mean, std }: ChannelStatistics, channel: number): Float32Array {
  const center = Math.fround(mean[channel]);
  const spread = Math.fround(std[channel]);
  return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.fround(byte / 255) - center) / spread);
}

/** All three at once, for the bytes of an image lie side by side. */
function fillPlanes(
  [red, green, blue]: readonly Float32Array[],
  canvasWidth: number,
  { width, height, data }: RgbImage,
  [ofRed, ofGreen, ofBlue]: readonly Float32Array[],
): void {
  let from = 0;
  for (let row = 0; row < height; row++) {
    const start = row * canvasWidth;
    const end = start + width;
    for (let to = start; to < end; to++) {
      red[to] = ofRed[data[from]];
      green[to] = ofGreen[data[from + 1]];
      blue[to] = ofBlue[data[from + 2]];
      from += 3;
    }
    if (width === canvasWidth) continue;
    for (const plane of [red, green, blue]) plane.fill(0, end, start + canvasWidth);
  }
  for (const plane of [red, green, blue]) plane.fill(0, height * canvasWidth);
}
