/** Writes a file so that it appears under its name only when it is complete. */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
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
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

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
