/** What a detector's predictions say of any box, also of one that it did not propose. */

import { add } from '../tensor/ops/add.ts';
import { divide } from '../tensor/ops/divide.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { maximum } from '../tensor/ops/maximum.ts';
import { minimum } from '../tensor/ops/minimum.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { power } from '../tensor/ops/power.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { relu } from '../tensor/ops/relu.ts';
import { slice } from '../tensor/ops/slice.ts';
import { sqrt } from '../tensor/ops/sqrt.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** How fast the say of a prediction falls with its overlap: as IoU to this power. */
const overlapPower = 6;
/** The norm over predictions; a high one is nearly their maximum, and one product of matrices gives it. */
const norm = 4;
/** Keeps the root differentiable where nothing overlaps. */
const nothing = 1e-24;

/**
 * Scores of boxes by the predictions that overlap them: for every category nearly the highest of score x IoU^6.
 * @param predictions [B, P, 4 + C]: corners of a box as shares of the image, xyxy, and its scores
 * @param boxesCxcywhNormalized [B, K, 4]
 * @returns [B, K, C], each in 0..1 where predictions are not many times the same
 */
export function scoresOfBoxes(predictions: Tensor, boxesCxcywhNormalized: Tensor): Tensor {
  const centres = slice(boxesCxcywhNormalized, { axis: 2, end: 2 });
  const halves = multiply(slice(boxesCxcywhNormalized, { axis: 2, start: 2 }), 0.5);
  const [lows, highs] = [subtract(centres, halves), add(centres, halves)];
  // Of boxes columns [B, K, 1], of predictions rows [B, 1, P].
  const column = (x: Tensor, i: number) => slice(x, { axis: 2, start: i, end: i + 1 });
  const row = (i: number) => transpose(column(predictions, i), [0, 2, 1]);
  const sides = [0, 1].map((axis) => ({
    both: relu(subtract(minimum(column(highs, axis), row(axis + 2)), maximum(column(lows, axis), row(axis)))),
    ofBox: subtract(column(highs, axis), column(lows, axis)),
    ofPrediction: subtract(row(axis + 2), row(axis)),
  }));
  const area = (key: 'both' | 'ofBox' | 'ofPrediction') => multiply(sides[0][key], sides[1][key]);
  const union = subtract(add(area('ofBox'), area('ofPrediction')), area('both'));
  const iou = divide(area('both'), maximum(union, 1e-9));
  const scores = slice(predictions, { axis: 2, start: 4 });
  const sums = matmul(power(iou, norm * overlapPower), power(scores, norm));
  return sqrt(sqrt(add(sums, nothing)));
}

/** What a box shares out beside its scores: with scores far below it, shares are small too. */
const unknown = 0.02;

/** Scores [B, K, C] -> how much of them each category has, nearly 1 in all where anything is likely. */
export const sharesOf = (scores: Tensor): Tensor =>
  divide(scores, add(reduceSum(scores, { axes: [2], keepDims: true }), unknown));
