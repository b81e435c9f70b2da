/**
 * OpenImages boxes (storage.googleapis.com/openimages): a CSV whose header differs between parts; boxes are shares of
 * the image's sides, written x, x, y, y.
 */

import { z } from 'zod';
import { type CsvRow, csvRows } from '../csv-rows.ts';
import { isFourNumbers } from '../finish-sample.ts';
import { GroupSpool } from '../group-spool.ts';
import { IdSet } from '../id-set.ts';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftRegion, defineReader, openCoverage, type ReaderContext } from '../reader.ts';
import type { Phrase } from '../sample.ts';

const options = z.strictObject({
  /** `oidv6-train-annotations-bbox.csv`, or the file of another part. */
  path: pathOption,
  /** `class-descriptions-boxable.csv`: names of the machine-generated ids. */
  classes: pathOption,
  /** The folder of images, which are needed for their sizes. */
  images: pathOption,
  /** `...-annotations-human-imagelabels.csv`: which names people found to be absent. */
  labels: pathOption.optional(),
  ...commonOptions,
});

/** What is kept of a row. */
type Row =
  | {
      readonly box: readonly number[] | string;
      readonly label: string;
      readonly isGroup: boolean;
      readonly score?: number;
    }
  | { readonly absent: string };

/** Boxes with names of an open list; nothing is background; groups of more than five are ignored. */
export const reader = defineReader({
  format: 'open-images',
  version: 1,
  options,
  sources: ({ path, classes, labels, images }) => ({
    files: [path, classes, ...(labels === undefined ? [] : [labels])],
    folders: [images],
  }),
  imageFolder: ({ images }) => images,
  hasImages: () => true,
  async *read({ path, classes, labels }, context) {
    const names = await readNames(classes, context);
    context.setVocabulary([...names.values()].map((name) => ({ name })));
    const spool = new GroupSpool<null, Row>(context.scratch);
    const seen = new IdSet();
    try {
      for await (const row of csvRows(path, context, ['ImageID', 'LabelName', 'XMin', 'XMax', 'YMin', 'YMax'])) {
        const id = row.ImageID;
        // The order of samples is that in which images are first named.
        if (seen.add(id)) await spool.addHead(id, null);
        await spool.addRow(id, boxRow(row));
      }
      if (labels !== undefined) {
        for await (const row of csvRows(labels, context, ['ImageID', 'LabelName', 'Confidence'])) {
          if (Number(row.Confidence) !== 0) continue;
          if (seen.add(row.ImageID)) await spool.addHead(row.ImageID, null);
          await spool.addRow(row.ImageID, { absent: row.LabelName });
        }
      }
      for await (const { key, rows } of spool.groups()) {
        yield {
          id: key,
          image: { file: `${key}.jpg` },
          otherFiles: [`${key[0]}/${key}.jpg`, ...['train', 'validation', 'test'].map((part) => `${part}/${key}.jpg`)],
          boxUnit: 'share' as const,
          ...labelled(key, rows, names, context),
          conversations: [],
          coverage: openCoverage,
        };
      }
    } finally {
      await spool.close();
    }
  },
});

async function readNames(path: string, context: ReaderContext): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for await (const { id, name } of csvRows(path, context, ['id', 'name'], ['id', 'name'])) {
    // Some copies have a header.
    if (id !== 'LabelName') names.set(id, name);
  }
  return names;
}

/** A flag of -1 means that nobody looked. */
function boxRow(row: CsvRow): Row {
  const texts = [row.XMin, row.YMin, row.XMax, row.YMax];
  const box = texts.map(Number);
  const isWhole = texts.every((text) => text !== '') && isFourNumbers(box);
  const score = Number(row.Confidence ?? 1);
  return {
    box: isWhole ? box : `[${texts.join(',')}]`,
    label: row.LabelName,
    isGroup: row.IsGroupOf === '1',
    ...(score > 0 && score < 1 && { score }),
  };
}

function labelled(
  sample: string,
  rows: readonly Row[],
  names: ReadonlyMap<string, string>,
  { report }: ReaderContext,
): { regions: DraftRegion[]; phrases: Phrase[] } {
  const regions: DraftRegion[] = [];
  const phrases: Phrase[] = [];
  const present = new Set(rows.flatMap((row) => ('label' in row ? [row.label] : [])));
  for (const row of rows) {
    const label = 'label' in row ? row.label : row.absent;
    const name = names.get(label);
    if (name === undefined) report({ kind: 'unknown-category', sample, value: label });
    if (!('label' in row)) {
      if (name !== undefined && !present.has(label)) phrases.push({ text: name, regions: [], kind: 'name' });
      continue;
    }
    regions.push({
      boxXyxy: row.box,
      ...(name !== undefined && { category: name }),
      granularities: ['coarse'],
      ...(row.isGroup && { isIgnored: true }),
      ...(row.score !== undefined && { score: row.score }),
    });
  }
  return { regions, phrases };
}
