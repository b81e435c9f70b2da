/**
 * Padding to a square with the mean colour, as RexSeek's `expand2square`, before the resize so that edges blend alike.
 */
import type { ChannelStatistics } from './normalize.ts';
import { createRgbImage, type Rgb, type RgbImage } from './rgb-image.ts';
import { squareOffsets } from './transform.ts';

/** The byte colour nearest below the mean, which normalises to about zero. */
export function meanColour({ mean }: ChannelStatistics): Rgb {
  return [Math.trunc(mean[0] * 255), Math.trunc(mean[1] * 255), Math.trunc(mean[2] * 255)];
}

/** Centres the image on a square of its longer side. A square image is returned as it is. */
export function padToSquare(image: RgbImage, colour: Rgb): RgbImage {
  const { width, height, data } = image;
  if (width === height) return image;
  const side = Math.max(width, height);
  const square = createRgbImage(side, side, colour);
  const { left, top } = squareOffsets(image);
  for (let row = 0; row < height; row++) {
    const from = row * width * 3;
    square.data.set(data.subarray(from, from + width * 3), ((row + top) * side + left) * 3);
  }
  return square;
}
