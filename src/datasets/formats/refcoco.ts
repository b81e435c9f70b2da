/**
 * RefCOCO, RefCOCO+, RefCOCOg and gRefCOCO: expressions that each mean a region. Read from the authors' pickles (or
 * JSON) with `instances.json`, and from the mirrors in Parquet and JSON Lines, which hold a box beside each
 * expression.
 */

import { GroupSpool } from '../group-spool.ts';
import { type DraftRegion, type DraftSample, defineReader, openCoverage } from '../reader.ts';
import type { Phrase } from '../sample.ts';
import { mirrorRows, type ReferringRow } from './refcoco-mirrors.ts';
import { refcocoOptions } from './refcoco-options.ts';
import { pickledSamples } from './refcoco-refs.ts';

/** Expressions as phrases of the kind `referring`; nothing is background. One sample for each image. */
export const reader = defineReader({
  format: 'refcoco',
  version: 1,
  options: refcocoOptions,
  sources: ({ path, instances, images }) => ({
    files: [path, ...(instances === undefined ? [] : [instances])],
    folders: images === undefined ? [] : [images],
  }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read(given, context) {
    if (given.instances !== undefined || given.path.endsWith('.p') || given.path.endsWith('.pkl')) {
      yield* pickledSamples(given, context);
      return;
    }
    const spool = new GroupSpool<null, ReferringRow>(context.scratch);
    const seen = new Set<string>();
    try {
      for await (const row of mirrorRows(given, context)) {
        if (!seen.has(row.file)) await spool.addHead(row.file, null);
        seen.add(row.file);
        await spool.addRow(row.file, row);
      }
      for await (const { key, rows } of spool.groups()) yield mirrorSample(key, rows);
    } finally {
      await spool.close();
    }
  },
});

/** Expressions about one box share a region. */
function mirrorSample(file: string, rows: readonly ReferringRow[]): DraftSample {
  const places = new Map<string, number>();
  const regions: DraftRegion[] = [];
  const phrases = rows.flatMap(({ boxes, texts }): Phrase[] => {
    const meant = boxes.map((box) => {
      const key = JSON.stringify(box);
      const place = places.get(key) ?? regions.length;
      if (place === regions.length) regions.push({ ...box, granularities: ['coarse'] });
      places.set(key, place);
      return place;
    });
    return texts.map((text) => ({ text, regions: meant, kind: 'referring' }));
  });
  const size = rows.find((row) => row.size !== undefined)?.size;
  const short = file.slice(file.lastIndexOf('/') + 1);
  return {
    id: file,
    image: { file: short, ...(size && { size }) },
    otherFiles: [file, ...(file.includes('/') ? [file.split('/').slice(-2).join('/')] : [`train2014/${file}`])],
    regions,
    phrases,
    conversations: [],
    coverage: openCoverage,
  };
}
