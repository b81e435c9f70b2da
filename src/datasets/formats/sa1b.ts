/** SA-1B (facebookresearch/segment-anything): a JSON file beside each image, with masks of everything and no names. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { shownValue } from '../faults.ts';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { maskBounds } from '../mask-bounds.ts';
import { commonOptions, flagOption, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, type ReaderContext } from '../reader.ts';
import type { Coverage } from '../sample.ts';
import { walkFolder } from '../walk-folder.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** The folder with `sa_1.json`, `sa_1.jpg` ...; folders below it are read too. */
  path: pathOption,
  /** Whether images are looked for. */
  check: flagOption.default(true),
  ...commonOptions,
});

/** A file has a few hundred masks. */
const maxFileBytes = 2 ** 26;

const coverage: Coverage = { complete: ['fine'], isClosed: false };

/** Boxes without names that answer the fine prompt; everything without a box is background for it. */
export const reader = defineReader({
  format: 'sa1b',
  version: 1,
  options,
  sources: ({ path }) => ({ files: [], trees: [path] }),
  imageFolder: ({ path }) => path,
  hasImages: ({ check }) => check,
  async *read({ path }, context) {
    for await (const { place, path: file, size } of walkFolder(context.resolve(path))) {
      if (!place.endsWith('.json')) continue;
      const value = await readJson(file, place, size, context);
      const draft = value === undefined ? undefined : sa1bDraft(value, place, context);
      if (draft !== undefined) yield draft;
    }
  },
});

async function readJson(file: string, place: string, size: number, { report }: ReaderContext): Promise<unknown> {
  if (size > maxFileBytes) return void report({ kind: 'bad-record', source: place, value: `a file of ${size} bytes` });
  try {
    return parseJson((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return void report({ kind: 'bad-record', source: place, value: `not JSON: ${error.message}` });
  }
}

function sa1bDraft(value: unknown, place: string, { report }: ReaderContext): DraftSample | undefined {
  const { image, annotations } = isRecord(value) ? value : {};
  const name = isRecord(image) ? image.file_name : undefined;
  if (!isRecord(image) || !Array.isArray(annotations) || typeof name !== 'string' || name === '') {
    return void report({ kind: 'bad-record', source: place, value: 'expected image and annotations of SA-1B' });
  }
  const folder = place.includes('/') ? place.slice(0, place.lastIndexOf('/') + 1) : '';
  const size = sizeOf(image.width, image.height);
  const id = idOf(image.image_id) ?? place;
  const regions = annotations.flatMap((annotation): DraftRegion[] => {
    if (isRecord(annotation)) return [sa1bRegion(annotation)];
    report({ kind: 'bad-record', sample: id, value: shownValue(annotation) });
    return [];
  });
  return {
    id,
    image: { file: `${folder}${name}`, ...(size && { size }) },
    regions,
    phrases: [],
    conversations: [],
    coverage,
  };
}

/** Masks were made by a model; its own estimate of how well it drew one is the score. */
function sa1bRegion({ id, bbox, area, segmentation, predicted_iou: score }: Record<string, unknown>): DraftRegion {
  const sourceId = idOf(id);
  return {
    ...(bbox === undefined ? { boxXyxy: maskBounds(segmentation) ?? 'neither bbox nor mask' } : { boxXywh: bbox }),
    granularities: ['fine'],
    ...(typeof area === 'number' && area >= 0 && { areaPixels: area }),
    ...(typeof score === 'number' && { score: Math.min(1, Math.max(0, score)) }),
    ...(sourceId !== undefined && { sourceId }),
  };
}
