/** The bytes of a data set's file in chunks: plain or gzip, without a byte order mark. */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { ChatRexError } from '../../errors.ts';

const defaultChunkBytes = 1 << 20;

/** A gzip file may grow by this factor and a constant; real annotation files grow tenfold. */
const maxInflation = 500;
const inflationSlackBytes = 2 ** 30;

export interface ByteOptions {
  /** Told how many bytes of the file, compressed ones of gzip, have been read. */
  onBytes?(count: number): void;
  readonly signal?: AbortSignal;
  /** Byte of the file to start at; 0 by default. */
  readonly start?: number;
  /** How much is read at a time; 1 MB by default. */
  readonly chunkBytes?: number;
}

/**
 * Chunks of a file; gzip is recognised by its first bytes.
 * @throws ChatRexError 'not-found', 'invalid-file' for a broken gzip or a folder, 'aborted', 'limit-exceeded'
 */
export async function* fileBytes(path: string, options: ByteOptions = {}): AsyncGenerator<Buffer> {
  const { size, isGzip } = await lookAt(path);
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
  const file = createReadStream(path, { highWaterMark: chunkBytes, start: options.start });
  let total = 0;
  const source = isGzip ? file.pipe(createGunzip({ chunkSize: chunkBytes })) : file;
  if (isGzip) file.on('error', (error) => source.destroy(error));
  if (isGzip) file.on('data', (chunk) => options.onBytes?.(chunk.length));
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (options.signal?.aborted) throw new ChatRexError('aborted', `reading ${path} was interrupted`);
      total += chunk.length;
      if (isGzip && total > size * maxInflation + inflationSlackBytes) {
        throw new ChatRexError('limit-exceeded', `${path} unpacks to more than ${maxInflation} times its size`);
      }
      if (!isGzip) options.onBytes?.(chunk.length);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ChatRexError('invalid-file', `${path} cannot be read to its end (${reason}): fetch it again`, { cause });
  } finally {
    file.destroy();
  }
}

async function lookAt(path: string): Promise<{ size: number; isGzip: boolean }> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    const message = isMissing
      ? `${path} does not exist: check the path`
      : `${path} cannot be opened (${cause.code}): check its rights`;
    throw new ChatRexError(isMissing ? 'not-found' : 'invalid-file', message, { cause });
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new ChatRexError('invalid-file', `${path} is not a file: expected an annotation file`);
    const head = Buffer.alloc(2);
    const { bytesRead } = await file.read(head, 0, 2, 0);
    return { size: stats.size, isGzip: bytesRead === 2 && head[0] === 0x1f && head[1] === 0x8b };
  } finally {
    await file.close();
  }
}

/** Line and column (in bytes), both from 1, of a byte of a file (of what it unpacks to). */
export async function placeOf(path: string, offset: number): Promise<{ line: number; column: number }> {
  let line = 1;
  let lineStart = 0;
  let base = 0;
  for await (const chunk of fileBytes(path)) {
    for (let at = chunk.indexOf(10); at >= 0 && base + at < offset; at = chunk.indexOf(10, at + 1)) {
      line++;
      lineStart = base + at + 1;
    }
    base += chunk.length;
    if (base >= offset) break;
  }
  return { line, column: offset - lineStart + 1 };
}
