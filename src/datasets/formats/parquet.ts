/** Parquet files that `chatrex data convert` has written. */

import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { z } from 'zod';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { commonOptions, flagOption, pathOption } from '../options.ts';
import { type ParquetRow, parquetRows } from '../parquet-rows.ts';
import { defineReader } from '../reader.ts';
import { parseHeader, parseSample } from '../sample-schema.ts';
import { vocabularyKey } from '../writers/parquet.ts';

const options = z.strictObject({
  /** The file. */
  path: pathOption,
  /** The folder that image files are relative to; that of the file by default. */
  images: pathOption.optional(),
  /** Whether images are looked for; by default where `images` is given. */
  check: flagOption.optional(),
  ...commonOptions,
});

const columns = ['id', 'file', 'width', 'height', 'regions', 'phrases', 'conversations', 'coverage'];

/** Coverage and granularities are those of each row. */
export const reader = defineReader({
  format: 'parquet',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images, check }) => check ?? images !== undefined,
  async *read({ path }, context) {
    let number = 0;
    for await (const row of parquetRows(path, context, columns)) {
      const parsed = parseSample(sampleOf(row));
      number++;
      if ('draft' in parsed) yield parsed.draft;
      else context.report({ kind: 'bad-record', source: `row ${number}`, value: parsed.problem });
    }
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(context.resolve(path)));
    const stored = metadata.key_value_metadata?.find(({ key }) => key === vocabularyKey)?.value;
    const header = parseHeader({ vocabulary: jsonOf(stored) });
    if (header !== undefined) context.setVocabulary(header);
  },
});

function sampleOf({ id, file, width, height, ...rest }: ParquetRow): unknown {
  const size = width === null || width === undefined ? undefined : { width: Number(width), height: Number(height) };
  const image = typeof file === 'string' ? { image: { file, ...(size && { size }) } } : {};
  return { id, ...image, ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, jsonOf(value)])) };
}

function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? undefined;
  try {
    return parseJson(value);
  } catch (error) {
    // What is not JSON fails the check of its type.
    if (error instanceof JsonSyntaxError) return value;
    throw error;
  }
}
