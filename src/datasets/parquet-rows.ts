/** Rows of a Parquet file, a few at a time. */

import {
  type AsyncBuffer,
  asyncBufferFromFile,
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
  const file = context.resolve(path);
  const buffer = await openParquet(file);
  const metadata = await orInvalid(file, () => parquetMetadataAsync(buffer));
  const present = parquetSchema(metadata).children.map(({ element }) => element.name);
  const wanted = columns.filter((name) => present.includes(name));
  if (wanted.length === 0) {
    throw new ChatRexError('invalid-file', `${file} has none of the columns ${columns.join(', ')}; it has ${present}`);
  }
  const count = Number(metadata.num_rows);
  if (!Number.isSafeInteger(count) || count < 0) throw new ChatRexError('invalid-file', `${file} says ${count} rows`);
  for (let rowStart = 0; rowStart < count; rowStart += batchRows) {
    const rowEnd = Math.min(count, rowStart + batchRows);
    if (context.signal?.aborted) throw new ChatRexError('aborted', `reading ${path} was interrupted`);
    yield* await orInvalid(file, () =>
      parquetReadObjects({ file: buffer, metadata, columns: wanted, rowStart, rowEnd, compressors }),
    );
    context.onBytes((buffer.byteLength * (rowEnd - rowStart)) / count);
  }
}

async function openParquet(file: string): Promise<AsyncBuffer> {
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
