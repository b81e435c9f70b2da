/**
 * The files that a command writes for a user: none of the user's is lost.
 *
 * An input is never written to, whatever its name is spelled like and whatever links lead to it. Another file that
 * exists is replaced with `--force` only, except when the same run wrote it. All is judged before the work begins.
 */

import { constants } from 'node:fs';
import { access, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { imageFormatOf } from '../drawing/encode.ts';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import type { ImageFile } from './image-files.ts';

/** What `--force` says in the help of every command that has it. */
export const forceHelp = 'replace files that exist (never an input)';

export class OutputFiles {
  readonly #inputs: readonly string[];
  readonly #isForced: boolean;
  readonly #written = new Set<string>();

  /** @param inputs paths of the files that the command reads; those that do not exist count for nothing */
  constructor(inputs: readonly string[], isForced = false) {
    this.#inputs = inputs;
    this.#isForced = isForced;
  }

  /**
   * @throws ChatRexError 'invalid-argument' for a file that may not be written, 'not-found' for a folder that cannot be
   */
  async require(paths: readonly string[]): Promise<void> {
    const inputs = new Set<string>();
    for (const path of this.#inputs) inputs.add((await identityOf(path)) ?? '');
    inputs.delete('');
    for (const path of paths) {
      const identity = await identityOf(path);
      if (identity !== undefined && inputs.has(identity))
        throw refused(path, 'is an input and would be lost; name another file');
      const info = await lstat(path).catch(() => undefined);
      if (info?.isDirectory()) throw refused(path, 'is a folder; expected the name of a file');
      if (info && !this.#isForced && !this.#written.has(resolve(path))) {
        throw refused(path, 'exists; name another file, or say --force to replace it');
      }
    }
    for (const folder of new Set(paths.map(dirname))) await requireFolder(folder);
  }

  /** Writes a file that was judged, and the folders on its way. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeBeside(path, (file) => writeAll(file, bytes));
    this.#written.add(resolve(path));
  }
}

/**
 * Where the drawing of each image goes: `out` itself for one image, a file of its own for each in a folder.
 * @param out a file name whose ending is that of a drawing, or a folder: one that exists, or a name without an ending
 * @param ending what is added to the name of an image in a folder, such as `.boxes.jpg`
 * @throws ChatRexError 'invalid-argument' when several images should go into one file, or for another ending
 */
export async function drawingTargets(
  out: string,
  images: readonly ImageFile[],
  { ending, mayBeHtml = false }: { ending: string; mayBeHtml?: boolean },
): Promise<string[]> {
  const isFolder =
    (await stat(out).catch(() => undefined))?.isDirectory() ?? (extname(out) === '' || /[\\/]$/.test(out));
  if (isFolder) return images.map(({ place }) => join(out, `${place}${ending}`));
  requireDrawable(out, mayBeHtml);
  if (images.length > 1) throw refused(out, `is one file for ${images.length} images; name a folder`);
  return images.map(() => out);
}

/** @throws ChatRexError 'invalid-argument' for a name that no drawing can have */
export function requireDrawable(out: string, mayBeHtml = true): void {
  if (mayBeHtml && extname(out).toLowerCase() === '.html') return;
  try {
    imageFormatOf(out);
  } catch (cause) {
    const endings = `.png, .jpg, .jpeg${mayBeHtml ? ', .webp or .html' : ' or .webp'}`;
    throw new ChatRexError('invalid-argument', `"${out}" must end in ${endings}, or be a folder`, { cause });
  }
}

/** The same for all names of one file; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && `${info.dev}:${info.ino}`;
}

/** The nearest folder that exists must be one that can be written in. */
async function requireFolder(folder: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const info = await stat(at).catch(() => undefined);
    if (!info && at !== dirname(at)) continue;
    if (!info?.isDirectory()) throw refused(folder, `cannot be made, since ${at} is no folder`);
    await access(at, constants.W_OK).catch((cause) => {
      throw new ChatRexError('not-found', `${at} cannot be written in; name another folder or change its rights`, {
        cause,
      });
    });
    return;
  }
}

const refused = (path: string, why: string): ChatRexError => new ChatRexError('invalid-argument', `"${path}" ${why}`);
