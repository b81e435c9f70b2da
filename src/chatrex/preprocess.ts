/**
 * An image as the encoders want it, and its boxes on it.
 *
 * Agrees with RexSeek's `prepare_input_for_rexseek`: padded to a square with the mean colour before resizing, PIL's
 * bicubic filter, boxes moved by the padding and scaled with the image. `imagePlacement: 'stretch'` leaves the padding
 * out.
 */

import type { BoxArray } from '../boxes/box-array.ts';
import { createImageBatch, setImage } from '../image/normalize.ts';
import { meanColour, padToSquare } from '../image/pad.ts';
import { resizeImage } from '../image/resize.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import { squareTransform, stretchTransform, toCanvas } from '../image/transform.ts';
import { roiOutputSize } from '../objects/object-encoder.ts';
import { type ObjectFeeds, objectFeeds } from '../objects/object-inputs.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { mapStrides } from '../vision/map-encoder.ts';
import { type ChatRexConfig, finestMapSize, highPixels } from './config.ts';

/** What to feed for `ChatRexVision.encode`. */
export interface PixelFeeds {
  /** [B, 3, low.imageSize, low.imageSize]; missing where the model has no low-resolution encoder. */
  readonly pixelsLow?: HostTensor<'float32'>;
  /** [B, 3, S, S], S being `highPixels` */
  readonly pixelsHigh: HostTensor<'float32'>;
}

/** Pads, resizes and normalises images. */
export function pixelFeeds(images: readonly RgbImage[], config: ChatRexConfig): PixelFeeds {
  const { high, low = high } = config.statistics;
  const isPadded = config.imagePlacement !== 'stretch';
  const placed = isPadded ? images.map((image) => padToSquare(image, meanColour(low))) : images;
  const pixelsHigh = normalizedSquares(placed, highPixels(config), high);
  if (!config.low) return { pixelsHigh };
  const pixelsLow =
    config.lowPixels === 'bicubic'
      ? normalizedSquares(placed, config.low.imageSize, low)
      : bilinear(pixelsHigh, config.low.imageSize);
  return { pixelsLow, pixelsHigh };
}

/** @param sizes of the images, in whose pixels the boxes are
 * @param boxesXyxy per image [K, 4]; where one has fewer than another, empty boxes follow. */
export function boxFeeds(
  sizes: readonly ImageSize[],
  boxesXyxy: readonly BoxArray[],
  config: ChatRexConfig,
): ObjectFeeds {
  const side = finestMapSize(config);
  const map = { height: side, width: side, spatialScale: 1 / mapStrides(config.high)[0], outputSize: roiOutputSize };
  const place = config.imagePlacement === 'stretch' ? stretchTransform : squareTransform;
  const onSquares = boxesXyxy.map((boxes, b) => toCanvas(place(sizes[b], config.imageSize), boxes));
  return objectFeeds(onSquares, map);
}

function normalizedSquares(
  images: readonly RgbImage[],
  side: number,
  statistics: ChatRexConfig['statistics']['high'],
): HostTensor<'float32'> {
  const batch = createImageBatch(images.length, { width: side, height: side });
  images.forEach((image, b) => {
    setImage(batch, b, resizeImage(image, { width: side, height: side }, 'bicubic'), statistics);
  });
  return hostTensor('float32', [images.length, 3, side, side], batch.pixels);
}

/** Bilinear samples of [B, C, S, S] at the centres of `side` x `side` pixels, as PyTorch's `interpolate`. */
function bilinear(
  { shape: [batch, channels, from], data }: HostTensor<'float32'>,
  side: number,
): HostTensor<'float32'> {
  const result = hostTensor('float32', [batch, channels, side, side]);
  const taps = Array.from({ length: side }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * from) / side - 0.5);
    const low = Math.min(Math.floor(position), from - 1);
    return { low, high: Math.min(low + 1, from - 1), fraction: position - low };
  });
  for (let plane = 0; plane < batch * channels; plane++) {
    const start = plane * from * from;
    taps.forEach((row, y) => {
      taps.forEach((column, x) => {
        const blend = (line: number) => {
          const at = start + line * from;
          return data[at + column.low] * (1 - column.fraction) + data[at + column.high] * column.fraction;
        };
        result.data[(plane * side + y) * side + x] =
          blend(row.low) * (1 - row.fraction) + blend(row.high) * row.fraction;
      });
    });
  }
  return result;
}
