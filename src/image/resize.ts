/**
 * Antialiased resizing of 8-bit images, byte for byte as PIL's `Image.resize` (Pillow, `libImaging/Resample.c`).
 *
 * Separable: rows first, rounded to bytes, then columns. Every output pixel is a weighted mean of the input pixels
 * under a filter whose support grows with the reduction, with weights as 22-bit fixed-point numbers.
 */
import { ChatRexError } from '../errors.ts';
import { resizeColumns, resizeRows } from './resize-fast.ts';
import { MOST_TAPS } from './resize-kernel.ts';
import { resizeColumnsPlainly, resizeRowsPlainly } from './resize-plain.ts';
import { computeTaps, isResizeFilter, type ResizeFilter } from './resize-taps.ts';
import { assertImageSize, type ImageSize, type RgbImage } from './rgb-image.ts';

export type { ResizeFilter } from './resize-taps.ts';

/** Memory of the fast loops, which is kept. */
const MOST_KERNEL_BYTES = 2 ** 24;

/**
 * Resizes to `size`, both axes independently, as PIL's `image.resize((width, height), filter)`.
 * An axis whose length does not change is copied exactly. Returns the same object when nothing changes.
 */
export function resizeImage(image: RgbImage, size: ImageSize, filter: ResizeFilter = 'bilinear'): RgbImage {
  assertImageSize(image);
  assertImageSize(size);
  if (!isResizeFilter(filter)) {
    throw new ChatRexError('invalid-argument', `A resize filter is bilinear or bicubic; got ${filter}.`);
  }
  let { width, height, data } = image;
  if (width !== size.width) {
    const taps = computeTaps(width, size.width, filter);
    const resize = taps.stride < MOST_TAPS ? resizeRows : resizeRowsPlainly;
    data = resize(data, width, height, size.width, taps);
    width = size.width;
  }
  if (height !== size.height) {
    const taps = computeTaps(height, size.height, filter);
    const isSmall = taps.stride < MOST_TAPS && taps.stride * width * 3 < MOST_KERNEL_BYTES;
    data = (isSmall ? resizeColumns : resizeColumnsPlainly)(data, width, size.height, taps);
    height = size.height;
  }
  return data === image.data ? image : { width, height, data };
}
