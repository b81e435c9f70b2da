/** Writes files so that they appear under their names only when they are complete, and names them where that fails. */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ChatRexError } from './errors.ts';
import { maxTransferBytes } from './file-range.ts';

/**
 * Runs `write` on a new file beside `path` and gives it that name only when all went well.
 *
 * @throws ChatRexError 'not-found' when the folder does not exist or cannot be written
 */
export async function writeBeside(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `${temporaryPrefix(path)}${randomUUID()}.tmp`);
  const file = await open(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('not-found', `cannot write ${path} (${cause.code}): make its folder and check its rights`, {
      cause,
    });
  });
  try {
    await naming(path, async () => {
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** What the system says of a place that cannot take more bytes; other failures keep their own words. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some of it, or name a place on another',
  EDQUOT: 'your part of the disk is full; free some of it, or name a place on another',
  EFBIG: 'the file is larger than this disk allows; name a place on another',
  EROFS: 'the disk cannot be written; name a place on another',
};

/** System calls that write; others, in the same work, read something else. */
const writing = /^(write|writev|fsync|fdatasync|ftruncate|close|rename|copyfile|open|mkdir)$/;

/**
 * Does work that writes the file at `path`, or folder, which errors of the system do not name by themselves.
 * @throws ChatRexError 'runtime' for such an error, with its reason in one line; other errors as they are
 */
export async function naming<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const { code = '', syscall = '' } = cause as NodeJS.ErrnoException;
    if (!writing.test(syscall) || reasons[code] === undefined) throw cause;
    throw new ChatRexError('runtime', `cannot write ${path}: ${reasons[code]} (${code})`, { cause });
  }
}

/** A whole file at once, where a half-written one does no harm; see `writeBeside` for others. */
export const writeNamed = (path: string, data: string | Uint8Array | readonly Uint8Array[]): Promise<void> =>
  naming(path, () => writeFile(path, data as string | Uint8Array));

const temporaryPrefix = (path: string): string => `.${basename(path)}.`;

/** Removes what writers of `path` left beside it when they were killed; nobody may be writing it meanwhile. */
export async function removeLeftovers(path: string): Promise<void> {
  const isLeftover = (name: string) => name.startsWith(temporaryPrefix(path)) && name.endsWith('.tmp');
  for (const name of (await readdir(dirname(path))).filter(isLeftover)) await rm(join(dirname(path), name));
}

/** Writes all of `bytes` at the file's end. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(maxTransferBytes, bytes.byteLength - done));
    done += bytesWritten;
  }
}
