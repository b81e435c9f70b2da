/** All files below a folder, in the same order on every machine; symbolic links are followed. */

import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';

export interface FoundFile {
  /** Below the folder, with slashes. */
  readonly place: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Deeper than any data set is; a guard beside that against circles. */
const maxDepth = 64;

/**
 * Files below a folder, sorted by name folder by folder; hidden ones and broken links are left out.
 * @throws ChatRexError 'not-found' where the folder does not exist or is a file
 */
export async function* walkFolder(folder: string): AsyncGenerator<FoundFile> {
  yield* walk(folder, '', [], 0);
}

async function* walk(
  folder: string,
  place: string,
  above: readonly string[],
  depth: number,
): AsyncGenerator<FoundFile> {
  const path = join(folder, place);
  const names = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT';
    const problem = isMissing ? 'does not exist' : `cannot be read as a folder (${cause.code})`;
    throw new ChatRexError('not-found', `${path} ${problem}: check the path`, { cause });
  });
  // A link to a folder above would never end.
  const real = await realpath(path);
  if (above.includes(real) || depth > maxDepth) return;
  for (const name of names.sort()) {
    if (name.startsWith('.')) continue;
    const inner = place === '' ? name : `${place}/${name}`;
    const stats: Stats | undefined = await stat(join(folder, inner)).catch(() => undefined);
    if (stats?.isDirectory()) yield* walk(folder, inner, [...above, real], depth + 1);
    else if (stats?.isFile()) {
      yield { place: inner, path: join(folder, inner), size: stats.size, mtimeMs: stats.mtimeMs };
    }
  }
}

const imageEndings = ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff', '.bmp'];

/** Whether a name is that of an image. */
export function isImageName(name: string): boolean {
  const at = name.lastIndexOf('.');
  return at >= 0 && imageEndings.includes(name.slice(at).toLowerCase());
}
