/** Label Studio's JSON export: tasks with rectangles in percent. */

import { z } from 'zod';
import { jsonRecords } from '../json/lines.ts';
import { commonOptions, flagOption, pathOption } from '../options.ts';
import { completeCoverage, type DraftRegion, type DraftSample, defineReader } from '../reader.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** The exported file. */
  path: pathOption,
  /** The folder that image names are relative to; that of the file by default. */
  images: pathOption.optional(),
  /** Whether images are looked for; by default where `images` is given. */
  check: flagOption.optional(),
  ...commonOptions,
});

/** Boxes with names of a closed list; everything without a box is background. Boxes of predictions have scores. */
export const reader = defineReader({
  format: 'label-studio',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images, check }) => check ?? images !== undefined,
  async *read({ path }, context) {
    const names = new Set<string>();
    let index = 0;
    for await (const { value, place } of jsonRecords(path, context)) {
      const draft = taskDraft(value, index++);
      if (typeof draft === 'string') {
        context.report({ kind: 'bad-record', source: place, value: draft });
        continue;
      }
      for (const { category } of draft.regions) if (category !== undefined) names.add(category);
      yield draft;
    }
    context.setVocabulary([...names].map((name) => ({ name })));
  },
});

function taskDraft(value: unknown, index: number): DraftSample | string {
  const { data, annotations, predictions, id: taskId } = isRecord(value) ? value : {};
  const image = isRecord(data) ? data.image : undefined;
  if (!isRecord(data) || typeof image !== 'string' || image === '') return 'expected data with image';
  const results = [...resultsOf(annotations), ...resultsOf(predictions)].filter(isRecord);
  const rectangles = results.filter(({ type }) => type === 'rectanglelabels' || type === 'rectangle');
  const size = sizeOf(results[0]?.original_width, results[0]?.original_height);
  return {
    id: idOf(data.id) ?? idOf(taskId) ?? String(index),
    image: { file: fileOf(image), ...(size && { size }) },
    otherFiles: [fileOf(image).replace(/^.*\//, ''), fileOf(image).replace(/^.*\/[0-9a-f]{8}-/, '')],
    regions: rectangles.map((rectangle) => regionOf(rectangle, rectangles)),
    boxUnit: 'share',
    phrases: [],
    conversations: [],
    coverage: completeCoverage,
  };
}

/** The results of all that people drew, or that models found; a task that was skipped has none. */
function resultsOf(list: unknown): unknown[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) =>
    isRecord(entry) && !entry.was_cancelled && Array.isArray(entry.result) ? entry.result : [],
  );
}

/** Uploads are `/data/upload/3/1a2b3c4d-photo.jpg`, local files `/data/local-files/?d=photos/photo.jpg`. */
function fileOf(image: string): string {
  const local = /^\/data\/local-files\/\?d=(.*)$/.exec(image)?.[1];
  return local === undefined ? image.replace(/^\/data\/upload\//, '') : safeDecode(local);
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function regionOf(result: Record<string, unknown>, all: readonly Record<string, unknown>[]): DraftRegion {
  const { value, id, score, parentID: parent } = result;
  const { x, y, width, height, rectanglelabels: labels, rotation } = isRecord(value) ? value : {};
  const category = Array.isArray(labels) && typeof labels[0] === 'string' ? labels[0] : undefined;
  const partOf = parent === undefined ? -1 : all.findIndex((other) => other.id === parent);
  const sourceId = idOf(id);
  const sides = [x, y, width, height];
  const isUpright = rotation === undefined || rotation === 0;
  const shares = sides.map((side) => (typeof side === 'number' ? side / 100 : side));
  return {
    boxXywh: isUpright ? shares : `a rotated rectangle, ${rotation} degrees`,
    ...(category !== undefined && { category }),
    granularities: ['coarse'],
    ...(typeof score === 'number' && score >= 0 && score <= 1 && { score }),
    ...(partOf >= 0 && { partOf }),
    ...(sourceId !== undefined && { sourceId }),
  };
}
