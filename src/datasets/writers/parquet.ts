/**
 * Parquet, a row a sample: `id`, `file`, `width`, `height`, and the rest as JSON texts, so that pandas and DuckDB
 * read it as it is. Categories are in the file's metadata. Nothing is lost.
 */

import type { FileHandle } from 'node:fs/promises';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeAll } from '../../files.ts';
import type { FileWriter, OutgoingSample } from '../writer.ts';

export const vocabularyKey = 'chatrex.vocabulary';

const rowsOfGroup = 2000;

const text = (name: string, isRequired: boolean): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: isRequired ? 'REQUIRED' : 'OPTIONAL',
});

const number = (name: string): SchemaElement => ({ name, type: 'INT32', repetition_type: 'OPTIONAL' });

const schema: SchemaElement[] = [
  { name: 'root', num_children: 8 },
  text('id', true),
  text('file', false),
  number('width'),
  number('height'),
  text('regions', true),
  text('phrases', true),
  text('conversations', true),
  text('coverage', true),
];

export const writer: FileWriter = {
  format: 'parquet',
  ending: '.parquet',
  async write(file, { samples, vocabulary }, lose) {
    const bytes = new ByteWriter();
    const parquet = new ParquetWriter({
      writer: bytes,
      schema,
      kvMetadata: [{ key: vocabularyKey, value: JSON.stringify(vocabulary) }],
    });
    let rows: OutgoingSample[] = [];
    const flush = async () => {
      if (rows.length > 0) await parquet.write({ columnData: columnsOf(rows) });
      rows = [];
      await drain(bytes, file);
    };
    for await (const outgoing of samples()) {
      if (outgoing.image?.range !== undefined) lose('places of images inside files');
      rows.push(outgoing);
      if (rows.length >= rowsOfGroup) await flush();
    }
    await flush();
    await parquet.finish();
    await drain(bytes, file);
  },
};

function columnsOf(rows: readonly OutgoingSample[]) {
  return [
    { name: 'id', data: rows.map(({ sample }) => sample.id) },
    { name: 'file', data: rows.map(({ image }) => image?.file) },
    { name: 'width', data: rows.map(({ image }) => image?.size.width) },
    { name: 'height', data: rows.map(({ image }) => image?.size.height) },
    ...(['regions', 'phrases', 'conversations', 'coverage'] as const).map((name) => ({
      name,
      data: rows.map(({ sample }) => JSON.stringify(sample[name])),
    })),
  ];
}

/** Writes what has been gathered; offsets in the file still count from its start. */
async function drain(bytes: ByteWriter, file: FileHandle): Promise<void> {
  await writeAll(file, bytes.getBytes());
  bytes.index = 0;
}
