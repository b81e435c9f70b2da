/**
 * COCO's detection evaluation on boxes (cocodataset.org/#detection-eval), equal to pycocotools' `COCOeval` with
 * `iouType='bbox'`. Like there, an `ignore` field of an annotation has no effect; a crowd is what is ignored.
 */

import { accumulate, type Curve } from './coco-curves.ts';
import { type AreaRange, isCounted, matchImage } from './coco-match.ts';
import { type DetectionTable, type Scope, type TruthTable, tabulateDetections, tabulateTruths } from './coco-table.ts';
import type { DetectedBox, GroundTruthBox } from './records.ts';

/** 0.5, 0.55 ... 0.95, to the last bit as numpy's linspace gives them: overlaps do fall on them. */
const IOU_THRESHOLDS = Float64Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9)).fill(0.95, 9);
const IOU_50 = 0;
const IOU_75 = 5;

const MAX_DETECTIONS = [1, 10, 100];

/** All, small, medium, large. */
const AREA_RANGES: readonly AreaRange[] = [
  { least: 0, most: 1e5 ** 2 },
  { least: 0, most: 32 ** 2 },
  { least: 32 ** 2, most: 96 ** 2 },
  { least: 96 ** 2, most: 1e5 ** 2 },
];

export interface CocoOptions {
  /**
   * Images that take part; those without any box matter, since detections there are wrong. Default: all that occur in
   * the records.
   */
  imageIds?: readonly number[];
  /** Categories that take part. Default: all that occur in the records. */
  categoryIds?: readonly number[];
  /** Proposal scoring: a box is right wherever there is any object (`useCats=0` in pycocotools). Default false. */
  isClassAgnostic?: boolean;
}

/** COCO's twelve numbers and recall at IoU .5 alone, each 0..1, or -1 where there is nothing to find. */
export interface CocoMetrics {
  /** Average precision over IoU .5 to .95, at 100 detections per image. */
  AP: number;
  AP50: number;
  AP75: number;
  /** Below 32 x 32, up to 96 x 96, and above, in pixels. */
  APs: number;
  APm: number;
  APl: number;
  /** Average recall over IoU .5 to .95 with at most 1, 10, 100 detections per image. */
  AR1: number;
  AR10: number;
  AR100: number;
  ARs: number;
  ARm: number;
  ARl: number;
  /** Recall at IoU .5. */
  AR1At50: number;
  AR10At50: number;
  AR100At50: number;
}

export interface CocoEvaluation {
  /** Averaged over the categories that have something to find. */
  metrics: CocoMetrics;
  /** The same numbers for each category by itself; empty when class-agnostic. */
  byCategory: Map<number, CocoMetrics>;
}

/**
 * Evaluates detections of any number of images. Of each image and category (image, when class-agnostic) the best 100
 * count.
 * @throws ChatRexError `invalid-argument` on a NaN score or a box that is not finite.
 * @example const { metrics } = evaluateCoco(truths, detections, { imageIds, categoryIds });
 *   metrics.AP;
 */
export function evaluateCoco(
  truths: readonly GroundTruthBox[],
  detections: readonly DetectedBox[],
  options: CocoOptions = {},
): CocoEvaluation {
  const distinct = (ids: Iterable<number>) => [...new Set(ids)].sort((a, b) => a - b);
  const records = [...truths, ...detections];
  const scope: Scope = {
    imageIds: distinct(options.imageIds ?? records.map((record) => record.imageId)),
    categoryIds: distinct(options.categoryIds ?? records.map((record) => record.categoryId)),
    isClassAgnostic: options.isClassAgnostic ?? false,
  };
  const tables = { truths: tabulateTruths(truths, scope), detections: tabulateDetections(detections, scope) };
  const groupCount = scope.isClassAgnostic ? 1 : scope.categoryIds.length;
  const curves = Array.from({ length: groupCount }, (_, group) =>
    evaluateGroup(tables.truths, tables.detections, group),
  );
  return {
    metrics: summarize(curves),
    byCategory: new Map(scope.isClassAgnostic ? [] : scope.categoryIds.map((id, i) => [id, summarize([curves[i]])])),
  };
}

/** [areaRanges][iouThresholds]; undefined for an area range with nothing to find. */
type GroupCurves = (Curve[] | undefined)[];

function evaluateGroup(truths: TruthTable, detections: DetectionTable, group: number): GroupCurves {
  const [detectionStart, detectionEnd] = rowsOf(detections.group, group, 0, detections.count);
  const [truthStart, truthEnd] = rowsOf(truths.group, group, 0, truths.count);
  const stride = detectionEnd - detectionStart;
  const outcomes = new Uint8Array(AREA_RANGES.length * IOU_THRESHOLDS.length * stride);
  const rank = new Int32Array(stride);
  const used: number[] = [];
  let truthFrom = truthStart;
  for (let from = detectionStart; from < detectionEnd; ) {
    const image = detections.image[from];
    const to = rowsOf(detections.image, image, from, detectionEnd)[1];
    const truthRows = rowsOf(truths.image, image, truthFrom, truthEnd);
    const last = Math.min(to, from + MAX_DETECTIONS[MAX_DETECTIONS.length - 1]);
    const segment = {
      detections: { table: detections, from, to: last },
      truths: { table: truths, from: truthRows[0], to: truthRows[1] },
    };
    matchImage(segment, AREA_RANGES, IOU_THRESHOLDS, outcomes, stride, from - detectionStart);
    for (let i = from; i < last; i++) {
      rank[i - detectionStart] = i - from;
      used.push(i - detectionStart);
    }
    from = to;
    truthFrom = truthRows[1];
  }
  const score = detections.score.subarray(detectionStart, detectionEnd);
  const order = Uint32Array.from(used).sort((a, b) => score[b] - score[a] || a - b);
  return AREA_RANGES.map((range, a) => {
    let truthCount = 0;
    for (let i = truthStart; i < truthEnd; i++) if (isCounted(truths, i, range)) truthCount++;
    if (truthCount === 0) return undefined;
    return Array.from(IOU_THRESHOLDS, (_, t) =>
      accumulate(outcomes, (a * IOU_THRESHOLDS.length + t) * stride, order, rank, truthCount, MAX_DETECTIONS),
    );
  });
}

/** First and past-last row between `from` and `to` of an ascending column that hold `value`. */
function rowsOf(column: Int32Array, value: number, from: number, to: number): [number, number] {
  const firstAtLeast = (wanted: number, low: number) => {
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (column[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const start = firstAtLeast(value, from);
  return [start, firstAtLeast(value + 1, start)];
}

function summarize(groups: readonly GroupCurves[]): CocoMetrics {
  const [all, small, medium, large] = AREA_RANGES.keys();
  const precision = (area: number, threshold?: number) =>
    mean(groups, area, threshold, (curve) => curve.averagePrecision);
  const recall = (area: number, most: number, threshold?: number) =>
    mean(groups, area, threshold, (curve) => curve.recalls[MAX_DETECTIONS.indexOf(most)]);
  return {
    AP: precision(all),
    AP50: precision(all, IOU_50),
    AP75: precision(all, IOU_75),
    APs: precision(small),
    APm: precision(medium),
    APl: precision(large),
    AR1: recall(all, 1),
    AR10: recall(all, 10),
    AR100: recall(all, 100),
    ARs: recall(small, 100),
    ARm: recall(medium, 100),
    ARl: recall(large, 100),
    AR1At50: recall(all, 1, IOU_50),
    AR10At50: recall(all, 10, IOU_50),
    AR100At50: recall(all, 100, IOU_50),
  };
}

/**
 * Mean over the groups that have something to find, at one IoU threshold or over all; -1 when there is no such group.
 */
function mean(
  groups: readonly GroupCurves[],
  area: number,
  threshold: number | undefined,
  value: (curve: Curve) => number,
): number {
  const curves = groups.flatMap((group) => (threshold === undefined ? group[area] : group[area]?.[threshold]) ?? []);
  return curves.length === 0 ? -1 : curves.reduce((sum, curve) => sum + value(curve), 0) / curves.length;
}
