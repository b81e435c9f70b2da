/** The encoded bytes behind an `ImageRef`, their size in pixels, and their pixels. */

import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { readRange } from '../file-range.ts';
import { decodeImage, imageSizeOf, MAX_IMAGE_BYTES } from '../image/decode.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import type { ImageRef } from './sample.ts';

/** A file name of an annotation below the folder that the data set names. */
export function imagePath(root: string, file: string): string {
  return isAbsolute(file) ? file : resolve(root, file);
}

/** Whether the file exists; without a promise, since a data set asks this for a million files. */
export function imageExists(root: string, image: ImageRef): boolean {
  return existsSync(imagePath(root, image.file));
}

async function imageSource(root: string, image: ImageRef): Promise<string | Uint8Array> {
  const path = imagePath(root, image.file);
  return image.range === undefined ? path : imageBytes(path, image);
}

/** The encoded bytes of an image inside a file. @throws ChatRexError 'invalid-file' for a range past its end */
export async function imageBytes(path: string, { range, isBase64 }: ImageRef): Promise<Uint8Array> {
  const [start, end] = range ?? [0, 0];
  if (!(end > start) || end - start > 2 * MAX_IMAGE_BYTES) {
    throw new ChatRexError('invalid-file', `${path}: an image of ${end - start} bytes at byte ${start}`);
  }
  const bytes = await readRange(path, start, end - start);
  return isBase64 ? Buffer.from(Buffer.from(bytes).toString('latin1'), 'base64') : bytes;
}

/**
 * The size of the upright image, from its header alone.
 * @throws ChatRexError as `decodeImage`
 */
export async function probeSize(root: string, image: ImageRef): Promise<ImageSize> {
  return imageSizeOf(await imageSource(root, image));
}

/** The image, shrunk by a whole factor as long as both sides stay at least `atLeast`. @throws as `decodeImage` */
export async function loadImage(root: string, image: ImageRef, atLeast?: ImageSize): Promise<RgbImage> {
  return decodeImage(await imageSource(root, image), { atLeast });
}
