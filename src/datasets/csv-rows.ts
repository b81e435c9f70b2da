/** Rows of a CSV file as objects by the names of its header, streamed. */

import { CsvError, parse } from 'csv-parse';
import { ChatRexError } from '../errors.ts';
import { fileBytes } from './json/bytes.ts';
import type { ReaderContext } from './reader.ts';

export type CsvRow = Readonly<Record<string, string>>;

/** A field longer than this is a quote that is never closed. */
const maxRowBytes = 1 << 20;

/**
 * The rows of a file with a header line; rows that are not CSV, or are shorter than the header, are faults.
 * @param columns names for a file without a header
 * @throws ChatRexError 'invalid-file' where `needed` columns are missing
 */
export async function* csvRows(
  path: string,
  context: ReaderContext,
  needed: readonly string[],
  columns?: readonly string[],
): AsyncGenerator<CsvRow> {
  const file = context.resolve(path);
  let header: readonly string[] | undefined = columns;
  const parser = parse({
    bom: true,
    columns: columns === undefined ? (names: string[]) => (header = names.map((name) => name.trim())) : [...columns],
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: maxRowBytes,
    trim: true,
  });
  feed(file, context, parser);
  let number = 0;
  try {
    for await (const row of parser as AsyncIterable<CsvRow>) {
      number++;
      if (number === 1) assertColumns(file, header ?? [], needed);
      const missing = needed.find((name) => row[name] === undefined);
      if (missing === undefined) yield row;
      else context.report({ kind: 'bad-record', source: `row ${number}`, value: `${missing} is missing` });
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const reason = cause.message.split('\n')[0];
    throw new ChatRexError('invalid-file', `${file}: row ${number + 1} is not CSV: ${reason}`, { cause });
  } finally {
    parser.destroy();
  }
  if (number === 0) assertColumns(file, header ?? [], needed);
}

/** Writes the bytes of the file into the parser, as fast as it takes them. */
function feed(file: string, context: ReaderContext, parser: ReturnType<typeof parse>): void {
  const run = async () => {
    for await (const chunk of fileBytes(file, { onBytes: context.onBytes, signal: context.signal })) {
      if (parser.destroyed) return;
      if (!parser.write(chunk))
        await new Promise<void>((resolve) => parser.once('drain', resolve).once('close', resolve));
    }
    if (!parser.destroyed) parser.end();
  };
  run().catch((error: Error) => parser.destroy(error));
}

function assertColumns(file: string, header: readonly string[], needed: readonly string[]): void {
  const missing = needed.filter((name) => !header.includes(name));
  if (missing.length === 0) return;
  const found = header.slice(0, 8).join(', ') || 'nothing';
  throw new ChatRexError('invalid-file', `${file} has no column ${missing[0]}: its header has ${found}`);
}
