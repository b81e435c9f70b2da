/** Losses that more than one stage uses, as graph functions that end in a scalar. */

import { cast } from '../tensor/ops/cast.ts';
import { divide } from '../tensor/ops/divide.ts';
import { gatherElements } from '../tensor/ops/gather-elements.ts';
import { logSoftmax } from '../tensor/ops/log-softmax.ts';
import { maximum } from '../tensor/ops/maximum.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { negate } from '../tensor/ops/negate.ts';
import { greaterOrEqual } from '../tensor/ops/greater-or-equal.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * Mean cross-entropy over the positions that have a label.
 * @param logits [..., C]
 * @param labels int64 [...]; negative where there is nothing to predict
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const hasLabel = cast(greaterOrEqual(labels, 0), logits.dtype);
  const indices = reshape(maximum(labels, 0), [...labels.shape, 1]);
  const picked = reshape(gatherElements(logSoftmax(logits), indices, { axis: logits.shape.length - 1 }), labels.shape);
  return divide(negate(reduceSum(multiply(picked, hasLabel))), maximum(reduceSum(hasLabel), 1));
}
