/** A run in the formats that others read. Samples come first; the data layer turns them into its other formats. */

import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { convertDataset } from '../../datasets/convert.ts';
import { ChatRexError } from '../../errors.ts';
import { openDataset } from '../../open-dataset.ts';
import { exportJsonLines, type ImageRange } from './json-lines.ts';
import { exportRexverseTsv } from './rexverse-tsv.ts';

export const exportFormats = ['jsonl', 'coco', 'tsv', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  /** Images in each Parquet file. */
  readonly shardSize?: number;
}

const defaultShardSize = 50_000;

/**
 * @param out a file (jsonl, coco) or a folder (tsv, parquet)
 * @returns how many images were written
 * @throws ChatRexError 'invalid-argument' when something is at `out` already
 */
export async function exportRun(
  folder: string,
  format: ExportFormat,
  out: string,
  { shardSize = defaultShardSize }: ExportOptions = {},
): Promise<number> {
  if (existsSync(out)) throw new ChatRexError('invalid-argument', `${out} exists; give another --out`);
  if (format === 'jsonl') return exportJsonLines(folder, out);
  if (format === 'tsv') return exportRexverseTsv(folder, out);
  if (format === 'coco') return converted(folder, out, 'coco');
  // Everything is written in a folder beside it first, so that a broken export leaves nothing half-written.
  const draft = join(dirname(out), `.${basename(out)}.tmp`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  let count = 0;
  for (let part = 0; ; part++) {
    const path = join(draft, `part-${String(part).padStart(5, '0')}.parquet`);
    const written = await converted(folder, path, 'parquet', { from: part * shardSize, count: shardSize });
    if (written === 0 && part > 0) break;
    count += written;
    if (written < shardSize) break;
  }
  await rename(draft, out);
  return count;
}

/** By way of a file of samples, which is removed again. */
async function converted(folder: string, out: string, format: 'coco' | 'parquet', part?: ImageRange): Promise<number> {
  const samples = join(dirname(out), `.${basename(out)}.samples.jsonl`);
  const cache = `${samples}.index`;
  try {
    const count = await exportJsonLines(folder, samples, part);
    if (count === 0 && part && part.from > 0) return 0;
    const data = await openDataset(
      { format: 'json-lines', options: { path: samples } },
      { dataRoot: dirname(samples) },
    );
    try {
      // Not the name of a file that is about to go.
      await convertDataset(data, { format, out, dataRoot: dirname(samples), description: 'rexverse' });
    } finally {
      await data.close();
    }
    return count;
  } finally {
    await rm(samples, { force: true });
    await rm(cache, { recursive: true, force: true });
  }
}
