/**
 * An image as both encoders want it, and its boxes on it.
 *
 * Agrees with RexSeek's `prepare_input_for_rexseek`: padded to a square with the mean colour before resizing, PIL's bicubic
 * filter, boxes moved by the padding and scaled with the image.
 */

import type { BoxArray } from '../boxes/box-array.ts';
import { createImageBatch, setImage } from '../image/normalize.ts';
import { meanColour, padToSquare } from '../image/pad.ts';
import { resizeImage } from '../image/resize.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import { squareTransform, toCanvas } from '../image/transform.ts';
import { roiOutputSize } from '../objects/object-encoder.ts';
import { type ObjectFeeds, objectFeeds } from '../objects/object-inputs.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { convNextStrides } from '../vision/convnext.ts';
import { type ChatRexConfig, finestMapSize } from './config.ts';

/** What to feed for `ChatRexVision.see`. */
export interface PixelFeeds {
  /** [B, 3, low.imageSize, low.imageSize] */
  readonly pixelsLow: HostTensor<'float32'>;
  /** [B, 3, imageSize, imageSize] */
  readonly pixelsHigh: HostTensor<'float32'>;
}

/** Pads, resizes and normalises images. */
export function pixelFeeds(images: readonly RgbImage[], config: ChatRexConfig): PixelFeeds {
  const { low, high } = config.statistics;
  const squares = images.map((image) => padToSquare(image, meanColour(low)));
  const pixelsHigh = normalizedSquares(squares, config.imageSize, high);
  const pixelsLow =
    config.lowPixels === 'bicubic'
      ? normalizedSquares(squares, config.low.imageSize, low)
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
  const map = { height: side, width: side, spatialScale: 1 / convNextStrides[0], outputSize: roiOutputSize };
  const onSquares = boxesXyxy.map((boxes, b) => toCanvas(squareTransform(sizes[b], config.imageSize), boxes));
  return objectFeeds(onSquares, map);
}

function normalizedSquares(
  squares: readonly RgbImage[],
  side: number,
  statistics: ChatRexConfig['statistics']['low'],
): HostTensor<'float32'> {
  const batch = createImageBatch(squares.length, { width: side, height: side });
  squares.forEach((square, b) => {
    setImage(batch, b, resizeImage(square, { width: side, height: side }, 'bicubic'), statistics);
  });
  return hostTensor('float32', [squares.length, 3, side, side], batch.pixels);
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
