/** Rows of a Parquet file, a few at a time. */

import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ChatRexError } from '../errors.ts';
import type { ReaderContext } from './reader.ts';

/** Rows that are decoded at a time; the bytes of their images are not asked for. */
const batchRows = 500;

/** A footer larger than this is not one. */
const maxFooterBytes = 2 ** 28;

export type ParquetRow = Readonly<Record<string, unknown>>;

/** An open file: its bytes, what it says of itself, and how many rows it has. */
export interface ParquetFile {
  readonly path: string;
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly rows: number;
}

/**
 * The wanted columns of all rows.
 * @param columns those that the file lacks are left out
 * @throws ChatRexError 'invalid-file' for what is not Parquet or is damaged
 */
export async function* parquetRows(
  path: string,
  context: ReaderContext,
  columns: readonly string[],
): AsyncGenerator<ParquetRow> {
  const file = await openParquet(context.resolve(path));
  const present = parquetSchema(file.metadata).children.map(({ element }) => element.name);
  const wanted = columns.filter((name) => present.includes(name));
  if (wanted.length === 0) {
    throw new ChatRexError(
      'invalid-file',
      `${file.path} has none of the columns ${columns.join(', ')}; it has ${present}`,
    );
  }
  for (let rowStart = 0; rowStart < file.rows; rowStart += batchRows) {
    const rowEnd = Math.min(file.rows, rowStart + batchRows);
    if (context.signal?.aborted) throw new ChatRexError('aborted', `reading ${path} was interrupted`);
    yield* await orInvalid(file.path, () =>
      parquetReadObjects({
        file: file.buffer,
        metadata: file.metadata,
        columns: wanted,
        rowStart,
        rowEnd,
        compressors,
      }),
    );
    context.onBytes((file.buffer.byteLength * (rowEnd - rowStart)) / file.rows);
  }
}

/** @throws ChatRexError 'not-found', or 'invalid-file' for what is not Parquet or is damaged */
export async function openParquet(path: string): Promise<ParquetFile> {
  const buffer = await openBytes(path);
  const metadata = await orInvalid(path, () => parquetMetadataAsync(buffer));
  const rows = Number(metadata.num_rows);
  if (!Number.isSafeInteger(rows) || rows < 0) throw new ChatRexError('invalid-file', `${path} says ${rows} rows`);
  return { path, buffer, metadata, rows };
}

/**
 * Rows from `rowStart` up to `rowEnd`. Bytes that the file does not call texts are read as bytes.
 * @throws ChatRexError 'invalid-file' for what is damaged
 */
export function readRowsWithBytes(
  { path, buffer, metadata }: ParquetFile,
  columns: readonly string[],
  rowStart: number,
  rowEnd: number,
): Promise<ParquetRow[]> {
  const options = { file: buffer, metadata, columns: [...columns], rowStart, rowEnd, compressors, utf8: false };
  return orInvalid(path, () => parquetReadObjects(options));
}

async function openBytes(file: string): Promise<AsyncBuffer> {
  const buffer = await asyncBufferFromFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('not-found', `${file} cannot be opened (${cause.code}): check the path`, { cause });
  });
  const tail = buffer.byteLength < 12 ? undefined : Buffer.from(await buffer.slice(buffer.byteLength - 8));
  if (tail?.toString('latin1', 4) !== 'PAR1') {
    throw new ChatRexError('invalid-file', `${file} is not a Parquet file, or was cut off: fetch it again`);
  }
  const footerBytes = tail.readUInt32LE(0);
  if (footerBytes > maxFooterBytes || footerBytes > buffer.byteLength - 8) {
    throw new ChatRexError('invalid-file', `${file} says that its footer has ${footerBytes} bytes: it is damaged`);
  }
  return buffer;
}

/** Whatever the library throws means that the file is damaged; it checks no lengths before it allocates. */
async function orInvalid<T>(file: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new ChatRexError('invalid-file', `${file} cannot be read as Parquet: ${reason}`, { cause });
  }
}
