/** Records out of a Parquet file whose images are read when they are asked for. */

import { parquetSchema } from 'hyparquet';
import { openParquet, type ParquetFile, readRowsWithBytes } from '../../datasets/parquet-rows.ts';
import { ChatRexError } from '../../errors.ts';
import { MAX_IMAGE_BYTES } from '../../image/decode.ts';
import type { RawRecord, RecordFile } from '../suites/record-files.ts';

export type LazyBytes = () => Promise<Uint8Array>;

/** Rows of a file of questions: MMMU has 900, its test split 10,500. */
const maxRows = 1_000_000;
/** Images that are decoded from their columns at a time. */
const batchRows = 8;

/**
 * The rows of a file. Columns of images, `{ bytes, path }` as the Hub has them, become functions that give the bytes.
 * @throws ChatRexError 'not-found', or 'invalid-file' for what is not Parquet or lacks a column
 */
export async function readParquetRecords(
  path: string,
  columns: readonly string[],
  imageColumns: readonly string[],
): Promise<RecordFile> {
  const file = await openParquet(path);
  const present = parquetSchema(file.metadata).children.map(({ element }) => element.name);
  const missing = columns.filter((name) => !present.includes(name));
  if (missing.length > 0) {
    const message = `${path} lacks the columns ${missing.join(', ')}; it has ${present.join(', ')}`;
    throw new ChatRexError('invalid-file', message);
  }
  if (file.rows > maxRows) {
    throw new ChatRexError('limit-exceeded', `${path}: expected at most ${maxRows} rows, came ${file.rows}`);
  }
  const rows = await readRowsWithBytes(file, columns, 0, file.rows);
  const images = imageColumns.filter((name) => present.includes(name));
  const bytesOf = batches(file);
  const records = rows.map((row, index): RawRecord => {
    const lazy = images.map((column): [string, LazyBytes] => [column, () => bytesOf(column, index)]);
    return { ...row, ...Object.fromEntries(lazy) };
  });
  return { path, records };
}

/** Reads a few rows of an image column at a time and keeps the last ones: questions are asked in order. */
function batches(file: ParquetFile): (column: string, index: number) => Promise<Uint8Array> {
  const kept = new Map<string, { readonly from: number; readonly values: Promise<readonly unknown[]> }>();
  return async (column, index) => {
    const from = index - (index % batchRows);
    let batch = kept.get(column);
    if (batch?.from !== from) {
      const to = Math.min(file.rows, from + batchRows);
      batch = {
        from,
        values: readRowsWithBytes(file, [column], from, to).then((rows) => rows.map((row) => row[column])),
      };
      kept.set(column, batch);
    }
    return imageBytesOf(file.path, column, index, (await batch.values)[index - from]);
  };
}

function imageBytesOf(path: string, column: string, index: number, value: unknown): Uint8Array {
  const bytes = value !== null && typeof value === 'object' && 'bytes' in value ? value.bytes : value;
  if (!(bytes instanceof Uint8Array)) {
    throw new ChatRexError('invalid-file', `${path}: row ${index}: expected an image in column ${column}, came none`);
  }
  if (bytes.length > MAX_IMAGE_BYTES) {
    const message = `${path}: row ${index}: ${column} has ${bytes.length} bytes, at most ${MAX_IMAGE_BYTES} are read`;
    throw new ChatRexError('limit-exceeded', message);
  }
  return bytes;
}
