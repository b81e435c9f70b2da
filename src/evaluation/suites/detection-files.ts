/** The truth of COCO and LVIS for scoring: images, categories and boxes, whatever the size of the file. */

import { jsonElements } from '../../datasets/json/elements.ts';
import { ChatRexError } from '../../errors.ts';
import type { LvisCategory, LvisImage, LvisTruth } from '../metrics/lvis.ts';
import type { GroundTruthBox } from '../metrics/records.ts';
import { boxOf } from './box-fields.ts';
import type { DetectionIds } from './read-detections.ts';
import { isRecord, type RawRecord } from './record-files.ts';

/** Images and categories in the order of the file: figures without scores depend on it. */
export interface DetectionTruth {
  readonly path: string;
  readonly images: readonly TruthImage[];
  readonly categories: readonly TruthCategory[];
  readonly truths: readonly GroundTruthBox[];
}

export interface TruthImage {
  readonly id: number;
  /** Last part of its file's path; LVIS has an address in its place. */
  readonly fileName?: string;
  readonly width?: number;
  readonly height?: number;
  /** LVIS alone. */
  readonly negativeIds?: readonly number[];
  readonly partialIds?: readonly number[];
}

export interface TruthCategory {
  readonly id: number;
  readonly name: string;
  /** LVIS alone. */
  readonly frequency?: string;
}

const sections = new Set(['images', 'categories', 'annotations']);

/**
 * Reads `instances_*.json` or `lvis_v1_*.json`.
 * @param options.onBytes told how many bytes of the file each read gave
 * @throws ChatRexError 'not-found', or 'invalid-file' naming the annotation and the field that is wrong.
 */
export async function readDetectionTruth(
  path: string,
  options: { onBytes?(count: number): void } = {},
): Promise<DetectionTruth> {
  const images: TruthImage[] = [];
  const categories: TruthCategory[] = [];
  const truths: GroundTruthBox[] = [];
  for await (const batch of jsonElements(path, { ...options, isWanted: (section) => sections.has(section) })) {
    for (const { section, index, value } of batch) {
      const record = isRecord(value) ? value : {};
      const at = { path, section, index };
      if (section === 'images') images.push(imageOf(record, at));
      else if (section === 'categories') categories.push(categoryOf(record, at));
      else if (section === 'annotations') truths.push(boxRecord(record, at));
    }
  }
  if (images.length === 0 || categories.length === 0) {
    const came = `${images.length} images, ${categories.length} categories, ${truths.length} annotations`;
    throw new ChatRexError('invalid-file', `${path}: expected images, categories and annotations, came ${came}`);
  }
  return { path, images, categories, truths };
}

/**
 * The truth as LVIS's rules read it, in the order of the file.
 * @throws ChatRexError 'invalid-file' when the federated annotations are missing, as in files of COCO
 */
export function lvisTruth({ path, images, categories, truths }: DetectionTruth): LvisTruth {
  return {
    images: images.map(({ id, negativeIds, partialIds }): LvisImage => {
      if (negativeIds && partialIds) return { id, negativeIds, partialIds };
      const wanted = 'neg_category_ids and not_exhaustive_category_ids';
      throw new ChatRexError(
        'invalid-file',
        `${path}: image ${id}: expected ${wanted}, as LVIS has them; use suite coco`,
      );
    }),
    categories: categories.map(({ id, name, frequency }): LvisCategory => {
      if (frequency === 'r' || frequency === 'c' || frequency === 'f') return { id, name, frequency };
      throw new ChatRexError(
        'invalid-file',
        `${path}: category ${id}: expected a frequency r, c or f, came ${frequency}`,
      );
    }),
    truths,
  };
}

export function detectionIds({ images, categories }: DetectionTruth): DetectionIds {
  return {
    images: new Map(images.map(({ id }, i) => [id, i])),
    categories: new Map(categories.map(({ id }, i) => [id, i])),
  };
}

interface Place {
  readonly path: string;
  readonly section: string;
  readonly index: number;
}

function imageOf(record: RawRecord, at: Place): TruthImage {
  const file = [record.file_name, record.coco_url].find((field) => typeof field === 'string') as string | undefined;
  return {
    id: numberField(record, 'id', at),
    fileName: file?.split('/').at(-1),
    width: typeof record.width === 'number' ? record.width : undefined,
    height: typeof record.height === 'number' ? record.height : undefined,
    negativeIds: numberList(record.neg_category_ids),
    partialIds: numberList(record.not_exhaustive_category_ids),
  };
}

function categoryOf(record: RawRecord, at: Place): TruthCategory {
  const { name, frequency } = record;
  if (typeof name !== 'string') throw wrong(at, record, 'name', 'a text');
  return { id: numberField(record, 'id', at), name, frequency: typeof frequency === 'string' ? frequency : undefined };
}

function boxRecord(record: RawRecord, at: Place): GroundTruthBox {
  const boxXywh = boxOf(record.bbox);
  if (!boxXywh || boxXywh[2] < 0 || boxXywh[3] < 0) throw wrong(at, record, 'bbox', 'left, top, width and height');
  const { area, iscrowd } = record;
  return {
    imageId: numberField(record, 'image_id', at),
    categoryId: numberField(record, 'category_id', at),
    boxXywh,
    ...(typeof area === 'number' && Number.isFinite(area) ? { area } : {}),
    // LVIS has no crowds; an `ignore` of COCO has no effect in the official scripts.
    isCrowd: iscrowd === 1 || iscrowd === true,
  };
}

function numberField(record: RawRecord, field: string, at: Place): number {
  const value = record[field];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(at, record, field, 'a number');
}

function numberList(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((id) => typeof id === 'number') ? value : undefined;
}

function wrong({ path, section, index }: Place, record: RawRecord, field: string, expected: string): ChatRexError {
  const id = typeof record.id === 'number' ? ` (id ${record.id})` : '';
  const came = JSON.stringify(record[field]) ?? 'nothing';
  return new ChatRexError(
    'invalid-file',
    `${path}: ${section}.${index}${id}: ${field}: expected ${expected}, came ${came}`,
  );
}
