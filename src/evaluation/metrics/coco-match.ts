/**
 * Which detections of one image are right, at every IoU threshold and area range: the matching of COCO's detection
 * evaluation (cocodataset.org/#detection-eval), equal to pycocotools' `COCOeval.evaluateImg`. Deviation: there an
 * annotation whose id is 0 can never be found; here annotations have no ids.
 */

import type { DetectionTable, TruthTable } from './coco-table.ts';

/** What a detection is worth. */
export const FALSE_POSITIVE = 0;
export const TRUE_POSITIVE = 1;
export const NOT_COUNTED = 2;

/** Square pixels, both ends included. */
export interface AreaRange {
  least: number;
  most: number;
}

/** The boxes of one image and group: rows `from` to `to` (exclusive) of each table. */
export interface ImageSegment {
  detections: { table: DetectionTable; from: number; to: number };
  truths: { table: TruthTable; from: number; to: number };
}

/**
 * Writes the worth of each detection of the segment.
 * @param outcomes [areaRanges, iouThresholds, stride]: entry (a, t, column + d) receives detection d's worth.
 */
export function matchImage(
  segment: ImageSegment,
  areaRanges: readonly AreaRange[],
  iouThresholds: ArrayLike<number>,
  outcomes: Uint8Array,
  stride: number,
  column: number,
): void {
  const { detections, truths } = segment;
  const overlaps = crowdAwareIou(segment);
  const detectionCount = detections.to - detections.from;
  const truthCount = truths.to - truths.from;
  const isTaken = new Uint8Array(truthCount);
  for (let a = 0; a < areaRanges.length; a++) {
    const { counted, order } = countedFirst(truths, areaRanges[a]);
    for (let t = 0; t < iouThresholds.length; t++) {
      isTaken.fill(0);
      const out = (a * iouThresholds.length + t) * stride + column;
      for (let d = 0; d < detectionCount; d++) {
        const at = findMatch(overlaps, d * truthCount, iouThresholds[t], order, counted, isTaken);
        if (at >= 0) {
          const truth = order[at];
          // A crowd is never used up.
          isTaken[truth] = truths.table.isCrowd[truths.from + truth] ? 0 : 1;
          outcomes[out + d] = at < counted ? TRUE_POSITIVE : NOT_COUNTED;
        } else {
          const isOutside = !isInRange(detections.table.area[detections.from + d], areaRanges[a]);
          outcomes[out + d] = isOutside ? NOT_COUNTED : FALSE_POSITIVE;
        }
      }
    }
  }
}

/**
 * Position in `order` of the truth that a detection finds, or -1: the best overlap among the counted truths that are
 * free, failing that among the others. Of equal overlaps the last wins.
 */
function findMatch(
  overlaps: Float64Array,
  offset: number,
  iouThreshold: number,
  order: Uint32Array,
  counted: number,
  isTaken: Uint8Array,
): number {
  // A threshold of 1 must still accept a perfect overlap that rounding made a little less.
  let best = Math.min(iouThreshold, 1 - 1e-10);
  let match = -1;
  for (let at = 0; at < order.length; at++) {
    if (at === counted && match >= 0) break;
    const truth = order[at];
    if (overlaps[offset + truth] < best || isTaken[truth]) continue;
    best = overlaps[offset + truth];
    match = at;
  }
  return match;
}

/** The segment's truths with the counted ones (in range, no crowd) first; both parts keep their order. */
function countedFirst(
  { table, from, to }: ImageSegment['truths'],
  range: AreaRange,
): { order: Uint32Array; counted: number } {
  const order = new Uint32Array(to - from);
  let counted = 0;
  for (let i = from; i < to; i++) if (isCounted(table, i, range)) order[counted++] = i - from;
  let end = counted;
  for (let i = from; i < to; i++) if (!isCounted(table, i, range)) order[end++] = i - from;
  return { order, counted };
}

/** Whether finding or missing a truth changes the score. */
export function isCounted(truths: TruthTable, index: number, range: AreaRange): boolean {
  return truths.isCrowd[index] === 0 && isInRange(truths.area[index], range);
}

function isInRange(area: number, range: AreaRange): boolean {
  return area >= range.least && area <= range.most;
}

/** IoU [detections, truths]; against a crowd, the share of the detection that lies in it. */
function crowdAwareIou({ detections, truths }: ImageSegment): Float64Array {
  const out = new Float64Array((detections.to - detections.from) * (truths.to - truths.from));
  const d = detections.table.boxesXywh;
  const g = truths.table.boxesXywh;
  let at = 0;
  for (let i = 4 * detections.from; i < 4 * detections.to; i += 4) {
    for (let j = 4 * truths.from; j < 4 * truths.to; j += 4, at++) {
      const width = Math.min(d[i] + d[i + 2], g[j] + g[j + 2]) - Math.max(d[i], g[j]);
      const height = Math.min(d[i + 1] + d[i + 3], g[j + 1] + g[j + 3]) - Math.max(d[i + 1], g[j + 1]);
      if (width <= 0 || height <= 0) continue;
      const intersection = width * height;
      const own = d[i + 2] * d[i + 3];
      const union = truths.table.isCrowd[j / 4] ? own : own + g[j + 2] * g[j + 3] - intersection;
      out[at] = intersection / union;
    }
  }
  return out;
}
