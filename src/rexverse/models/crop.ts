/** Images as endpoints get them: the whole image, or the crop of a region with a little of what is around it. */

import sharp from 'sharp';
import type { BoxXyxy } from '../../boxes/box.ts';
import { MAX_IMAGE_PIXELS } from '../../image/decode.ts';
import type { ImageView } from './roles.ts';

/** Share of the box's sides that is added on each of them. */
export const cropMargin = 0.1;
/** Crops are not sent larger than this on their longer side, whole images neither: models look at no more. */
export const longestSide = 1344;
/** Smaller files are sent as they are: re-encoding costs time and detail. */
const smallEnoughBytes = 512 * 1024;

/** The file as it is if it is small, a smaller JPEG otherwise. */
export async function wholeImage({ bytes, width, height }: ImageView): Promise<Uint8Array> {
  if (bytes.length <= smallEnoughBytes && Math.max(width, height) <= longestSide && isCommon(bytes)) return bytes;
  return open(bytes)
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 92 })
    .toBuffer();
}

/** JPEG of a region. */
export async function cropOf({ bytes, width, height }: ImageView, boxXyxy: BoxXyxy): Promise<Uint8Array> {
  const region = paddedCrop(boxXyxy, width, height);
  return open(bytes)
    .extract(region)
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 92 })
    .toBuffer();
}

export function paddedCrop([left, top, right, bottom]: BoxXyxy, width: number, height: number) {
  const [padX, padY] = [(right - left) * cropMargin, (bottom - top) * cropMargin];
  const x = Math.max(0, Math.floor(left - padX));
  const y = Math.max(0, Math.floor(top - padY));
  return {
    left: x,
    top: y,
    width: Math.max(1, Math.min(width, Math.ceil(right + padX)) - x),
    height: Math.max(1, Math.min(height, Math.ceil(bottom + padY)) - y),
  };
}

function open(bytes: Uint8Array) {
  return sharp(bytes, { limitInputPixels: MAX_IMAGE_PIXELS }).autoOrient().flatten({ background: '#fff' });
}

/** Formats that every endpoint reads; turned ones are not sent as they are, since some endpoints ignore EXIF. */
function isCommon(bytes: Uint8Array): boolean {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const hasExif = isJpeg && Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).includes('Exif');
  return (isJpeg || isPng) && !hasExif;
}
