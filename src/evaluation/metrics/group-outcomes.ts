/** What every detection of one category is worth, over all images: the step before curves and averages. */

import { type AreaRange, FALSE_POSITIVE, isCounted, matchImage, NOT_COUNTED } from './coco-match.ts';
import type { DetectionTable, TruthTable } from './coco-table.ts';

/** Rows `from` to `to` (exclusive) of a table: one category. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

export interface OutcomeOptions {
  readonly areaRanges: readonly AreaRange[];
  readonly iouThresholds: ArrayLike<number>;
  /** Of each image only this many count, the first ones of the table; all by default. */
  readonly mostPerImage?: number;
  /** Whether a category may have more in an image than is annotated: what finds nothing there is not counted. */
  isPartial?(group: number, image: number): boolean;
}

export interface GroupOutcomes {
  /** Detections of the category, those beyond `mostPerImage` left out. */
  readonly count: number;
  /** [areaRanges, iouThresholds, count] */
  readonly outcomes: Uint8Array;
  /** Places in `outcomes` from the best detection to the worst; equal scores keep the order of the table. */
  readonly order: Uint32Array;
  /** How many truths count, by area range. */
  readonly truthCounts: readonly number[];
}

/** Matches the detections of one category image by image. */
export function groupOutcomes(
  truths: TruthTable,
  truthRows: Rows,
  detections: DetectionTable,
  detectionRows: Rows,
  { areaRanges, iouThresholds, mostPerImage = Number.POSITIVE_INFINITY, isPartial }: OutcomeOptions,
): GroupOutcomes {
  const kept = keptRows(detections, detectionRows, mostPerImage);
  const count = kept.reduce((sum, { from, to }) => sum + to - from, 0);
  const planes = areaRanges.length * iouThresholds.length;
  const outcomes = new Uint8Array(planes * count);
  const score = new Float64Array(count);
  let truthFrom = truthRows.from;
  let column = 0;
  for (const { from, to } of kept) {
    const image = detections.image[from];
    while (truthFrom < truthRows.to && truths.image[truthFrom] < image) truthFrom++;
    let truthTo = truthFrom;
    while (truthTo < truthRows.to && truths.image[truthTo] === image) truthTo++;
    const segment = {
      detections: { table: detections, from, to },
      truths: { table: truths, from: truthFrom, to: truthTo },
    };
    if (truthTo > truthFrom) matchImage(segment, areaRanges, iouThresholds, outcomes, count, column);
    else markUnmatched(detections, from, to, areaRanges, iouThresholds.length, outcomes, count, column);
    if (isPartial?.(detections.group[from], image)) {
      for (let plane = 0; plane < planes; plane++) {
        for (let at = plane * count + column; at < plane * count + column + to - from; at++) {
          if (outcomes[at] === FALSE_POSITIVE) outcomes[at] = NOT_COUNTED;
        }
      }
    }
    score.set(detections.score.subarray(from, to), column);
    column += to - from;
    truthFrom = truthTo;
  }
  const truthCounts = areaRanges.map((range) => {
    let counted = 0;
    for (let i = truthRows.from; i < truthRows.to; i++) if (isCounted(truths, i, range)) counted++;
    return counted;
  });
  return { count, outcomes, order: bestFirst(score), truthCounts };
}

/** The category's rows image by image, cut to the most that count. */
function keptRows({ image }: DetectionTable, { from, to }: Rows, most: number): Rows[] {
  const kept: Rows[] = [];
  for (let start = from, end = from; start < to; start = end) {
    while (end < to && image[end] === image[start]) end++;
    kept.push({ from: start, to: Math.min(end, start + most) });
  }
  return kept;
}

/** In an image without the category every detection is wrong, or outside the range of areas. */
function markUnmatched(
  { area }: DetectionTable,
  from: number,
  to: number,
  areaRanges: readonly AreaRange[],
  thresholds: number,
  outcomes: Uint8Array,
  stride: number,
  column: number,
): void {
  areaRanges.forEach((range, a) => {
    for (let i = from; i < to; i++) {
      const worth = area[i] >= range.least && area[i] <= range.most ? FALSE_POSITIVE : NOT_COUNTED;
      if (worth === FALSE_POSITIVE) continue;
      for (let t = 0; t < thresholds; t++) outcomes[(a * thresholds + t) * stride + column + i - from] = worth;
    }
  });
}

/** Places in descending order of score; equal scores keep their order. */
function bestFirst(score: Float64Array): Uint32Array {
  const places = Uint32Array.from(score, (_, place) => place);
  return places.sort((a, b) => score[b] - score[a] || a - b);
}

/** Where each group's rows are in a sorted table: [groupCount]. */
export function rowsOfGroups({ group, count }: { group: Int32Array; count: number }, groupCount: number): Rows[] {
  const starts = new Uint32Array(groupCount + 1);
  for (let i = 0; i < count; i++) starts[group[i] + 1]++;
  for (let g = 0; g < groupCount; g++) starts[g + 1] += starts[g];
  return Array.from({ length: groupCount }, (_, g) => ({ from: starts[g], to: starts[g + 1] }));
}
