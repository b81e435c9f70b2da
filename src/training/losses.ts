/** Losses as plain functions of tensors, each composed of differentiable ops. */

import { abs } from '../tensor/ops/abs.ts';
import { add } from '../tensor/ops/add.ts';
import { argMax } from '../tensor/ops/arg-max.ts';
import { cast } from '../tensor/ops/cast.ts';
import { divide } from '../tensor/ops/divide.ts';
import { equal } from '../tensor/ops/equal.ts';
import { gatherElements } from '../tensor/ops/gather-elements.ts';
import { greaterOrEqual } from '../tensor/ops/greater-or-equal.ts';
import { logSoftmax } from '../tensor/ops/log-softmax.ts';
import { maximum } from '../tensor/ops/maximum.ts';
import { minimum } from '../tensor/ops/minimum.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { negate } from '../tensor/ops/negate.ts';
import { not } from '../tensor/ops/not.ts';
import { power } from '../tensor/ops/power.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { relu } from '../tensor/ops/relu.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import { slice } from '../tensor/ops/slice.ts';
import { softplus } from '../tensor/ops/softplus.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { where } from '../tensor/ops/where.ts';
import { misfit, type Tensor } from '../tensor/tensor.ts';

/**
 * Mean of -log softmax(logits)[label] over the labels that are not `ignoreIndex` (-100 by default, as in PyTorch).
 * Without any such label the loss is 0, where PyTorch has NaN.
 * @param logits [..., classes]
 * @param labels int64 [...]
 * @returns scalar
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  { ignoreIndex = -100 }: { ignoreIndex?: number } = {},
): Tensor {
  const isIgnored = equal(labels, ignoreIndex);
  const column = reshape(where(isIgnored, 0, labels), [...labels.shape, 1]);
  const picked = reshape(gatherElements(logSoftmax(logits), column, { axis: -1 }), labels.shape);
  const isCounted = cast(not(isIgnored), logits.dtype);
  return negate(divide(reduceSum(multiply(picked, isCounted)), maximum(reduceSum(isCounted), 1)));
}

/**
 * Focal loss of independent yes/no decisions (Lin et al., 2017), elementwise; as torchvision's `sigmoid_focal_loss`
 * without reduction.
 * @param targets of the shape of logits, 0 to 1; @param alpha weight of positives, 1 - alpha that of negatives
 */
export function sigmoidFocalLoss(
  logits: Tensor,
  targets: Tensor,
  { alpha = 0.25, gamma = 2 }: { alpha?: number; gamma?: number } = {},
): Tensor {
  const probability = sigmoid(logits);
  const crossEntropies = subtract(softplus(logits), multiply(logits, targets));
  // 1 - p_t = p + t - 2 p t, and alpha_t = (1 - alpha) + t (2 alpha - 1)
  const missed = subtract(add(probability, targets), multiply(multiply(probability, targets), 2));
  const balance = add(multiply(targets, 2 * alpha - 1), 1 - alpha);
  return multiply(balance, multiply(crossEntropies, power(missed, gamma)));
}

/** Sum of absolute differences over the last axis: [..., C] and [..., C] -> [...]. */
export const l1Distance = (a: Tensor, b: Tensor): Tensor => reduceSum(abs(subtract(a, b)), { axes: [-1] });

/**
 * Generalized IoU of paired boxes (Rezatofighi et al., 2019): -1 (far apart) to 1 (equal).
 * @param a [..., 4] xyxy in any frame, with x1 <= x2 and y1 <= y2; @param b of the same shape
 * @returns [...]
 */
export function generalizedIou(a: Tensor, b: Tensor): Tensor {
  if (a.shape.at(-1) !== 4 || b.shape.at(-1) !== 4)
    throw misfit(`boxes must be [..., 4], not [${a.shape}], [${b.shape}]`);
  const corner = (boxes: Tensor, start: 0 | 2) => slice(boxes, { axis: -1, start, end: start + 2 });
  const area = (low: Tensor, high: Tensor) => {
    const sides = relu(subtract(high, low));
    return multiply(slice(sides, { axis: -1, end: 1 }), slice(sides, { axis: -1, start: 1 }));
  };
  const [lowA, highA, lowB, highB] = [corner(a, 0), corner(a, 2), corner(b, 0), corner(b, 2)];
  const shared = area(maximum(lowA, lowB), minimum(highA, highB));
  const union = subtract(add(area(lowA, highA), area(lowB, highB)), shared);
  const hull = area(minimum(lowA, lowB), maximum(highA, highB));
  // Boxes without area meet in 0 / 0, which counts as 0.
  const ratio = (part: Tensor, whole: Tensor) => divide(part, maximum(whole, 1e-12));
  const result = subtract(ratio(shared, union), ratio(subtract(hull, union), hull));
  return reshape(result, result.shape.slice(0, -1));
}

/** Share of the labelled positions whose largest logit is the label; 1 where none is labelled. */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  const hasLabel = cast(greaterOrEqual(labels, 0), 'float32');
  const isRight = cast(equal(argMax(logits, { axis: logits.shape.length - 1 }), labels), 'float32');
  return divide(reduceSum(multiply(isRight, hasLabel)), maximum(reduceSum(hasLabel), 1));
}
