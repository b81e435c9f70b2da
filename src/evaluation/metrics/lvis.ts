/**
 * LVIS's detection evaluation on boxes (Gupta et al. 2019), equal to the package `lvis` (LVISEval with
 * `iou_type='bbox'`).
 *
 * Not every image is annotated for every category: a detection counts only where its category is annotated as present
 * or absent, and what finds nothing counts for nothing where there may be more than is annotated. `official` keeps the
 * best 300 detections of an image; `fixed` (Dave et al. 2021, "Evaluating large-vocabulary object detectors") keeps the
 * best 10,000 of a category over all images and has no cap of an image, as GLIP reports.
 */

import { ChatRexError } from '../../errors.ts';
import { accumulate } from './coco-curves.ts';
import type { AreaRange } from './coco-match.ts';
import { type TruthTable, tabulateTruths } from './coco-table.ts';
import { bestOfEach, type DetectionColumns, tableOf } from './detection-columns.ts';
import { groupOutcomes, rowsOfGroups } from './group-outcomes.ts';
import type { GroundTruthBox } from './records.ts';

/** Rare (1 to 10 training images), common (11 to 100), frequent. */
export type LvisFrequency = 'r' | 'c' | 'f';

export interface LvisCategory {
  readonly id: number;
  readonly name: string;
  readonly frequency: LvisFrequency;
}

export interface LvisImage {
  readonly id: number;
  /** Categories that are certainly absent. */
  readonly negativeIds: readonly number[];
  /** Categories of which there may be more than are annotated. */
  readonly partialIds: readonly number[];
}

/** Images and categories in any order. */
export interface LvisTruth {
  readonly images: readonly LvisImage[];
  readonly categories: readonly LvisCategory[];
  readonly truths: readonly GroundTruthBox[];
}

export type LvisCap = { readonly kind: 'official' } | { readonly kind: 'fixed'; readonly perCategory: number };

/** Each 0..1, or -1 where there is nothing to find. */
export interface LvisMetrics {
  AP: number;
  AP50: number;
  AP75: number;
  APs: number;
  APm: number;
  APl: number;
  APr: number;
  APc: number;
  APf: number;
  /** Recall over IoU .5 to .95 with all detections that count. */
  AR: number;
  ARs: number;
  ARm: number;
  ARl: number;
}

export interface LvisEvaluation {
  readonly metrics: LvisMetrics;
  /** AP by category id; -1 where there is nothing to find. */
  readonly byCategory: ReadonlyMap<number, number>;
}

/** The most detections of an image that the official rule counts. */
export const OFFICIAL_PER_IMAGE = 300;
export const FIXED_PER_CATEGORY = 10_000;

/** One byte a pair of image and category; LVIS val has 24 million pairs. */
const maxPairs = 2 ** 31 - 1;

const PRESENT = 1;
const ABSENT = 2;
const PARTIAL = 4;

const iouThresholds = Float64Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9)).fill(0.95, 9);
const AT_50 = 0;
const AT_75 = 5;

const areaRanges: readonly AreaRange[] = [
  { least: 0, most: 1e5 ** 2 },
  { least: 0, most: 32 ** 2 },
  { least: 32 ** 2, most: 96 ** 2 },
  { least: 96 ** 2, most: 1e5 ** 2 },
];

/** Truth and detections with images and categories ascending by id: ties of scores are settled by it. */
function ascending(truth: LvisTruth, columns: DetectionColumns): { truth: LvisTruth; columns: DetectionColumns } {
  const images = places(truth.images);
  const categories = places(truth.categories);
  return {
    truth: { images: images.sorted, categories: categories.sorted, truths: truth.truths },
    columns: {
      ...columns,
      image: columns.image.map((at) => images.placeOf[at]),
      category: columns.category.map((at) => categories.placeOf[at]),
    },
  };
}

/** A list by ascending id, and where each of its items went. */
function places<Item extends { readonly id: number }>(items: readonly Item[]): { sorted: Item[]; placeOf: Int32Array } {
  const order = items.map((_, at) => at).sort((a, b) => items[a].id - items[b].id);
  const placeOf = new Int32Array(items.length);
  order.forEach((at, place) => {
    placeOf[at] = place;
  });
  return { sorted: order.map((at) => items[at]), placeOf };
}

/**
 * What is known of each image and category: one byte a pair, in rows of images.
 * @throws ChatRexError 'limit-exceeded' for more than 2^31 pairs
 */
export function annotatedPairs({ images, categories, truths }: LvisTruth): Uint8Array {
  const width = categories.length;
  if (images.length * width > maxPairs) {
    const pairs = `${images.length} images x ${width} categories`;
    throw new ChatRexError('limit-exceeded', `expected at most ${maxPairs} pairs of image and category, came ${pairs}`);
  }
  const known = new Uint8Array(images.length * width);
  const imageAt = new Map(images.map(({ id }, i) => [id, i]));
  const categoryAt = new Map(categories.map(({ id }, i) => [id, i]));
  const mark = (image: number | undefined, category: number, flag: number) => {
    const column = categoryAt.get(category);
    if (image !== undefined && column !== undefined) known[image * width + column] |= flag;
  };
  images.forEach(({ negativeIds, partialIds }, image) => {
    for (const id of negativeIds) mark(image, id, ABSENT);
    for (const id of partialIds) mark(image, id, PARTIAL);
  });
  for (const { imageId, categoryId } of truths) mark(imageAt.get(imageId), categoryId, PRESENT);
  return known;
}

/**
 * Evaluates detections of any number of images.
 * @param given the columns of `found` are places in its lists of images and categories
 */
export function evaluateLvis(
  given: LvisTruth,
  found: DetectionColumns,
  cap: LvisCap = { kind: 'official' },
): LvisEvaluation {
  const { truth, columns: detections } = ascending(given, found);
  const { images, categories } = truth;
  const known = annotatedPairs(truth);
  const kept =
    cap.kind === 'official'
      ? bestOfEach(detections, detections.image, images.length, OFFICIAL_PER_IMAGE)
      : bestOfEach(detections, detections.category, categories.length, cap.perCategory);
  const width = categories.length;
  const { image, category } = detections;
  const counting = kept.filter((row) => (known[image[row] * width + category[row]] & (PRESENT | ABSENT)) !== 0);
  const table = tableOf(detections, counting, images.length, width);
  const truths = lvisTruthTable(truth);
  const truthRows = rowsOfGroups(truths, width);
  const detectionRows = rowsOfGroups(table, width);
  const options = {
    areaRanges,
    iouThresholds,
    isPartial: (group: number, at: number) => (known[at * width + group] & PARTIAL) !== 0,
  };
  const curves = categories.map((_, g) => {
    const own = groupOutcomes(truths, truthRows[g], table, detectionRows[g], options);
    const rank = new Int32Array(own.count);
    return own.truthCounts.map((truthCount, a) =>
      truthCount === 0
        ? undefined
        : Array.from(iouThresholds, (_, t) => {
            const offset = (a * iouThresholds.length + t) * own.count;
            return accumulate(own.outcomes, offset, own.order, rank, truthCount, [Number.POSITIVE_INFINITY]);
          }),
    );
  });
  return {
    metrics: summarize(curves, categories),
    byCategory: new Map(categories.map(({ id }, g) => [id, meanAp([curves[g]], 0)])),
  };
}

export function lvisTruthTable({ images, categories, truths }: LvisTruth): TruthTable {
  const scope = {
    imageIds: images.map(({ id }) => id),
    categoryIds: categories.map(({ id }) => id),
    isClassAgnostic: false,
  };
  return tabulateTruths(truths, scope);
}

/** [areaRanges][iouThresholds] of one category; undefined with nothing to find. */
type CategoryCurves = readonly (readonly { averagePrecision: number; recalls: number[] }[] | undefined)[];

function summarize(curves: readonly CategoryCurves[], categories: readonly LvisCategory[]): LvisMetrics {
  const [all, small, medium, large] = areaRanges.keys();
  const ofFrequency = (frequency: LvisFrequency) =>
    meanAp(
      curves.filter((_, g) => categories[g].frequency === frequency),
      all,
    );
  const recall = (area: number) => mean(curves, area, undefined, ({ recalls }) => recalls[0]);
  return {
    AP: meanAp(curves, all),
    AP50: meanAp(curves, all, AT_50),
    AP75: meanAp(curves, all, AT_75),
    APs: meanAp(curves, small),
    APm: meanAp(curves, medium),
    APl: meanAp(curves, large),
    APr: ofFrequency('r'),
    APc: ofFrequency('c'),
    APf: ofFrequency('f'),
    AR: recall(all),
    ARs: recall(small),
    ARm: recall(medium),
    ARl: recall(large),
  };
}

const meanAp = (curves: readonly CategoryCurves[], area: number, threshold?: number): number =>
  mean(curves, area, threshold, ({ averagePrecision }) => averagePrecision);

function mean(
  curves: readonly CategoryCurves[],
  area: number,
  threshold: number | undefined,
  value: (curve: { averagePrecision: number; recalls: number[] }) => number,
): number {
  const own = curves.flatMap((group) => (threshold === undefined ? group[area] : group[area]?.[threshold]) ?? []);
  return own.length === 0 ? -1 : own.reduce((sum, curve) => sum + value(curve), 0) / own.length;
}
