/** Reads parts of a file: exactly the bytes asked for, or a typed error. */

import { type FileHandle, open } from 'node:fs/promises';
import { ChatRexError } from './errors.ts';

/** One system call moves at most 2^31 - 1 bytes; a gibibyte at a time stays clear of that. */
export const maxTransferBytes = 2 ** 30;

/** Large enough for the disk's full speed, small enough to be nothing. */
const streamChunkBytes = 8 * 2 ** 20;

/**
 * Opens `path`, passes the handle and the file's size to `use`, and closes it again.
 *
 * @throws ChatRexError 'not-found' when there is no such file, 'invalid-file' when it cannot be opened or is a folder
 */
export async function withFile<Result>(
  path: string,
  use: (file: FileHandle, sizeBytes: number) => Promise<Result>,
): Promise<Result> {
  const file = await openFile(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile())
      throw new ChatRexError('invalid-file', `${path} is not a file: give the path of a weight file`);
    return await use(file, stats.size);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    const reason = isMissing ? 'does not exist' : `cannot be opened (${code})`;
    throw new ChatRexError(isMissing ? 'not-found' : 'invalid-file', `${path} ${reason}: check the path`, { cause });
  }
}

/** Fills `target` from `byteOffset` on. @throws ChatRexError 'invalid-file' when the file ends before that */
export async function fillFrom(file: FileHandle, path: string, byteOffset: number, target: Uint8Array): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(maxTransferBytes, target.byteLength - done);
    const { bytesRead } = await file.read(target, done, length, byteOffset + done);
    if (bytesRead === 0) {
      const missing = target.byteLength - done;
      throw new ChatRexError('invalid-file', `${path} ends ${missing} bytes early: the file changed or is truncated`);
    }
    done += bytesRead;
  }
}

/** The bytes [byteOffset, byteOffset + byteLength) of an open file, in a buffer of their own. */
export async function readFrom(
  file: FileHandle,
  path: string,
  byteOffset: number,
  byteLength: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(byteLength);
  await fillFrom(file, path, byteOffset, bytes);
  return bytes;
}

/** The bytes [byteOffset, byteOffset + byteLength) of the file at `path`, in a buffer of their own. */
export function readRange(path: string, byteOffset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, (file) => readFrom(file, path, byteOffset, byteLength));
}

/** The same bytes in chunks that share one buffer: each is valid until the next is asked for. */
export async function* streamRange(path: string, byteOffset: number, byteLength: number): AsyncGenerator<Uint8Array> {
  const file = await openFile(path);
  try {
    const buffer = new Uint8Array(Math.min(streamChunkBytes, byteLength));
    for (let done = 0; done < byteLength; done += buffer.byteLength) {
      const chunk = buffer.subarray(0, Math.min(buffer.byteLength, byteLength - done));
      await fillFrom(file, path, byteOffset + done, chunk);
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
