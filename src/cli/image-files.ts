/** The images that a user means by naming files, folders and standard input. */

import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { type DecodeOptions, decodeImage, MAX_IMAGE_BYTES } from '../image/decode.ts';
import { foreignEndings } from '../image/foreign-formats.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { oneLine } from './one-line.ts';

/** Endings that are looked for in folders; a file that is named itself may have any. */
const endings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/** What stands for the bytes on standard input. */
export const standardInput = '-';

export interface ImageFile {
  readonly path: string;
  /**
   * Its place below the folder that was named, or its own name: where an output for it goes in a folder. No two files
   * have one.
   */
  readonly place: string;
}

export interface FoundImages {
  readonly images: readonly ImageFile[];
  /** Images in folders that nothing here reads, such as HEIC. */
  readonly leftOut: readonly string[];
}

/**
 * Files as they are, whether they exist or not; folders with all they hold, links followed, in the order of their
 * names.
 * @throws ChatRexError 'not-found' for a folder without images
 */
export async function imageFiles(paths: readonly string[]): Promise<FoundImages> {
  const found = await Promise.all(paths.map(imagesAt));
  return {
    images: withoutDoubles(found.flatMap(({ images }) => images)),
    leftOut: found.flatMap(({ leftOut }) => leftOut),
  };
}

async function imagesAt(path: string): Promise<FoundImages> {
  const isFolder = path !== standardInput && (await stat(path).catch(() => undefined))?.isDirectory();
  if (!isFolder) {
    const place = path === standardInput ? 'standard-input' : basename(resolve(path));
    return { images: [{ path, place }], leftOut: [] };
  }
  const files = await filesIn(path, new Set());
  const images = files.filter((file) => endings.has(extname(file).toLowerCase())).sort();
  const leftOut = files.filter((file) => foreignEndings.has(extname(file).toLowerCase())).sort();
  if (images.length === 0) {
    const others = leftOut.length > 0 ? `; convert ${leftOut[0]} and the like first` : '';
    throw new ChatRexError('not-found', `"${path}" holds no images (${[...endings].join(' ')})${others}`);
  }
  return { images: images.map((image) => ({ path: image, place: relative(path, image) })), leftOut };
}

/** All files below a folder; links are followed, each folder is entered once. */
async function filesIn(folder: string, entered: Set<string>): Promise<string[]> {
  const real = await realpath(folder);
  if (entered.has(real)) return [];
  entered.add(real);
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const info = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (info?.isDirectory()) files.push(...(await filesIn(path, entered)));
    else if (info?.isFile()) files.push(path);
  }
  return files;
}

/** Where two files have one place, all places become those below the deepest folder that holds every image. */
function withoutDoubles(images: readonly ImageFile[]): readonly ImageFile[] {
  const files = images.map(({ path }) => resolve(path));
  const fileAt = new Map<string, string>();
  const hasDoubles = images.some(({ place }, i) => {
    const other = fileAt.get(place);
    fileAt.set(place, files[i]);
    return other !== undefined && other !== files[i];
  });
  if (!hasDoubles) return images;
  const parts = files.map((file) => file.split(sep));
  const isShared = (at: number) => parts.every((names) => names.length > at + 1 && names[at] === parts[0][at]);
  let depth = 0;
  while (isShared(depth)) depth++;
  return images.map(({ path }, i) => ({ path, place: parts[i].slice(depth).join(sep) }));
}

/**
 * Decodes what a user named; `-` is standard input. Warnings go to stderr.
 * @throws ChatRexError as `decodeImage` does
 */
export async function openImage(path: string, options: DecodeOptions = {}): Promise<RgbImage> {
  const onWarning = (message: string) => process.stderr.write(`${oneLine(message)}\n`);
  return decodeImage(path === standardInput ? await readStandardInput() : path, { onWarning, ...options });
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    // One byte too many is enough to be refused.
    if (length > MAX_IMAGE_BYTES) break;
  }
  return Buffer.concat(chunks);
}
