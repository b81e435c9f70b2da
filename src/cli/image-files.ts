/** The images that a user means by naming files and folders. */

import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { ChatRexError } from '../errors.ts';

/** Endings that are looked for in folders; a file that is named itself may have any. */
const endings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

export interface ImageFile {
  readonly path: string;
  /** Its place below the folder that was named, or its own name: where an output for it goes in a folder. */
  readonly place: string;
}

/**
 * Files as they are, folders with all they hold, in the order of their names.
 * @throws ChatRexError 'not-found' for a path that does not exist and for a folder without images
 */
export async function imageFiles(paths: readonly string[]): Promise<ImageFile[]> {
  const found = await Promise.all(paths.map(imagesAt));
  return found.flat();
}

async function imagesAt(path: string): Promise<ImageFile[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new ChatRexError('not-found', `"${path}" does not exist; expected an image or a folder of images`);
  if (!info.isDirectory()) return [{ path, place: relative(join(path, '..'), path) }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const images = entries
    .filter((entry) => entry.isFile() && endings.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (images.length === 0) {
    throw new ChatRexError('not-found', `"${path}" holds no images (${[...endings].join(' ')})`);
  }
  return images.map((image) => ({ path: image, place: relative(path, image) }));
}
