/**
 * COYO-700M's Parquet files as a list of URLs (kakaobrain/coyo-dataset): rows are judged by their columns before a byte
 * of their images is fetched, and the columns that are judged are all that is read.
 */

import { basename } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ChatRexError } from '../../errors.ts';
import { Duplicates } from './duplicates.ts';
import type { ListedImage } from './list.ts';

export interface CoyoFilters {
  /** Shortest side, in pixels. */
  readonly minSide: number;
  readonly maxAspect: number;
  /** Of both NSFW columns, 0 to 1. */
  readonly maxNsfw: number;
  readonly maxWatermark: number;
  /** Of LAION's aesthetic score, about 1 to 10. */
  readonly minAesthetic: number;
  /** Similarity of image and text by CLIP ViT-L/14, about 0 to .5. */
  readonly minSimilarity: number;
}

export const defaultCoyoFilters: CoyoFilters = {
  minSide: 200,
  maxAspect: 3,
  maxNsfw: 0.3,
  maxWatermark: 1,
  minAesthetic: 0,
  minSimilarity: 0,
};

const columns = [
  ...['id', 'url', 'width', 'height', 'image_phash', 'nsfw_score_opennsfw2', 'nsfw_score_gantman'],
  ...['watermark_score', 'aesthetic_score_laion_v2', 'clip_similarity_vitl14'],
];
const required = ['url', 'width', 'height'];
/** Rows that are read at a time. */
const batchRows = 2000;

/** How many rows were left out, by reason. */
export type CoyoCounts = Record<string, number>;

/**
 * @param counts is added to as rows are left out
 * @throws ChatRexError 'invalid-file' for what is no Parquet file, or lacks a column that is needed
 */
export async function* coyoImages(
  paths: readonly string[],
  filters: CoyoFilters,
  counts: CoyoCounts = {},
): AsyncGenerator<ListedImage> {
  const duplicates = new Duplicates(0);
  let place = 0;
  for (const path of [...paths].sort((a, b) => (basename(a) < basename(b) ? -1 : 1))) {
    for await (const row of rowsOf(path)) {
      const reason = reasonToLeaveOut(row, filters) ?? repeated(row, duplicates, place++);
      if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
      else yield { name: String(row.id ?? row.url), url: row.url as string };
    }
  }
}

type Row = Readonly<Record<string, unknown>>;

async function* rowsOf(path: string): AsyncGenerator<Row> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const present = parquetSchema(metadata).children.map(({ element }) => element.name);
    const missing = required.filter((name) => !present.includes(name));
    if (missing.length > 0) throw new Error(`it has no column ${missing.join(', ')}`);
    const wanted = columns.filter((name) => present.includes(name));
    const count = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < count; rowStart += batchRows) {
      const rowEnd = Math.min(count, rowStart + batchRows);
      yield* await parquetReadObjects({ file, metadata, columns: wanted, rowStart, rowEnd, compressors });
    }
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ChatRexError('invalid-file', `${path} cannot be read as a Parquet file of COYO (${said})`, { cause });
  }
}

function reasonToLeaveOut(row: Row, filters: CoyoFilters): string | undefined {
  const number = (name: string) => (row[name] === null || row[name] === undefined ? undefined : Number(row[name]));
  const above = (name: string, most: number) => (number(name) ?? 0) > most;
  const below = (name: string, least: number) => (number(name) ?? least) < least;
  const [width, height] = [number('width') ?? 0, number('height') ?? 0];
  if (typeof row.url !== 'string' || !/^https?:\/\//i.test(row.url)) return 'no address';
  if (Math.min(width, height) < filters.minSide) return 'too small';
  if (Math.max(width, height) > filters.maxAspect * Math.min(width, height)) return 'too long and narrow';
  if (above('nsfw_score_opennsfw2', filters.maxNsfw) || above('nsfw_score_gantman', filters.maxNsfw)) return 'NSFW';
  if (above('watermark_score', filters.maxWatermark)) return 'watermark';
  if (below('aesthetic_score_laion_v2', filters.minAesthetic)) return 'aesthetic score';
  return below('clip_similarity_vitl14', filters.minSimilarity) ? 'text does not fit' : undefined;
}

/** Copies by the hash that the file states: their images need not be fetched to be known. */
function repeated({ image_phash: hash }: Row, duplicates: Duplicates, place: number): string | undefined {
  if (typeof hash !== 'string' || !/^[0-9a-f]{16}$/i.test(hash)) return undefined;
  return duplicates.findOrKeep(place, hash.toLowerCase()) === undefined ? undefined : 'duplicate';
}
