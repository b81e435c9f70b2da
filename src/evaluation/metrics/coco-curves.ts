/**
 * From single outcomes to precision and recall: COCO's accumulation over images, equal to pycocotools'
 * `COCOeval.accumulate`. Precision is interpolated (the best precision at this recall or any higher) and read at 101
 * recalls; 0 where recall is not reached.
 */

import { FALSE_POSITIVE, TRUE_POSITIVE } from './coco-match.ts';

/** 0, 0.01 ... 1. */
export const RECALL_LEVELS = Float64Array.from({ length: 101 }, (_, i) => i * 0.01).fill(1, 100);

/** One curve: the detections of one group at one IoU threshold in one area range. */
export interface Curve {
  /** Mean of the interpolated precision over the recall levels. */
  averagePrecision: number;
  /** Recall reached with at most so many detections per image, one per entry of `maxDetections`. */
  recalls: number[];
}

/**
 * @param outcomes worth of the group's detections, at `offset` and following.
 * @param order the group's detections from the best to the worst.
 * @param rank each detection's place within its image, from 0.
 * @param truthCount how many truths count; at least 1.
 */
export function accumulate(
  outcomes: Uint8Array,
  offset: number,
  order: Uint32Array,
  rank: Int32Array,
  truthCount: number,
  maxDetections: readonly number[],
): Curve {
  const precision = new Float64Array(order.length);
  const found = new Int32Array(order.length);
  let length = 0;
  const foundWithin = maxDetections.map(() => 0);
  let truePositives = 0;
  let falsePositives = 0;
  for (const detection of order) {
    const outcome = outcomes[offset + detection];
    if (outcome === TRUE_POSITIVE) {
      truePositives++;
      for (let m = 0; m < maxDetections.length; m++) if (rank[detection] < maxDetections[m]) foundWithin[m]++;
    } else if (outcome === FALSE_POSITIVE) falsePositives++;
    else continue;
    // The epsilon is pycocotools'; without it the last digits differ.
    precision[length] = truePositives / (falsePositives + truePositives + Number.EPSILON);
    found[length++] = truePositives;
  }
  for (let i = length - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1], precision[i]);

  let sum = 0;
  let at = 0;
  for (const level of RECALL_LEVELS) {
    while (at < length && found[at] / truthCount < level) at++;
    if (at === length) break;
    sum += precision[at];
  }
  return { averagePrecision: sum / RECALL_LEVELS.length, recalls: foundWithin.map((count) => count / truthCount) };
}
