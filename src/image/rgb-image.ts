/**
 * The one image type behind the decoder: 8-bit sRGB, no alpha, upright.
 */
import { ChatRexError } from '../errors.ts';

/** Width and height in whole pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Pixels in reading order, three interleaved bytes (red, green, blue) each: `data.length === width * height * 3`. */
export interface RgbImage extends ImageSize {
  readonly data: Uint8Array;
}

/** A colour as bytes red, green, blue. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** An image of one colour. */
export function createRgbImage(width: number, height: number, [red, green, blue]: Rgb = [0, 0, 0]): RgbImage {
  assertImageSize({ width, height });
  const data = new Uint8Array(width * height * 3);
  if (red === green && green === blue) {
    data.fill(red);
  } else {
    for (let at = 0; at < data.length; at += 3) {
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
    }
  }
  return { width, height, data };
}

/** @throws ChatRexError `invalid-argument` unless both sides are whole numbers of at least 1. */
export function assertImageSize({ width, height }: ImageSize): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1) return;
  throw new ChatRexError(
    'invalid-argument',
    `An image size must be whole numbers of at least 1; got width ${width}, height ${height}.`,
  );
}
