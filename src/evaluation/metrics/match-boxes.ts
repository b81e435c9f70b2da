/**
 * One-to-one matching of answers that carry no score (a language model names boxes, it does not rank them): the pair
 * that overlaps most is settled first, so the result does not depend on the order in which the boxes were listed.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { iou } from '../../boxes/overlap.ts';

/** The overlap at which a box counts as found, in COCO's AP50, RefCOCO and HumanRef alike; it includes its end. */
export const FOUND_IOU = 0.5;

/** One settled pair, as indices into the two lists. */
export interface MatchedPair {
  predicted: number;
  truth: number;
}

/** Greedy pairs with an IoU of at least `iouThreshold`, best first; equal overlaps go by list order. */
export function matchBoxes(
  predictedXyxy: readonly BoxXyxy[],
  truthXyxy: readonly BoxXyxy[],
  iouThreshold = FOUND_IOU,
): MatchedPair[] {
  const overlaps = iou(flatten(predictedXyxy), flatten(truthXyxy));
  const candidates = Array.from(overlaps.keys())
    .filter((at) => overlaps[at] >= iouThreshold)
    .sort((a, b) => overlaps[b] - overlaps[a] || a - b);
  const usedPredictions = new Set<number>();
  const usedTruths = new Set<number>();
  const pairs: MatchedPair[] = [];
  for (const at of candidates) {
    const [predicted, truth] = [Math.floor(at / truthXyxy.length), at % truthXyxy.length];
    if (usedPredictions.has(predicted) || usedTruths.has(truth)) continue;
    usedPredictions.add(predicted);
    usedTruths.add(truth);
    pairs.push({ predicted, truth });
  }
  return pairs;
}

/** A list of boxes as a flat [N,4] array. */
export function flatten(boxes: readonly BoxXyxy[]): Float64Array {
  return Float64Array.from(boxes.flat());
}
