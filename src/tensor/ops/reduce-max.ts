/** Maximum over axes. */

import type { DifferentiableOp, Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { divide } from './divide.ts';
import { equal } from './equal.ts';
import { multiply } from './multiply.ts';
import { applyReduction, type ReduceAttributes, type ReduceOptions, reduction } from './reduce.ts';
import { reduceSum } from './reduce-sum.ts';

/** Maximum over axes (all when none are named); equal maxima share the gradient, as in PyTorch's amax. */
export const reduceMax = (x: Tensor, options: ReduceOptions = {}): Tensor => applyReduction(reduceMaxOp, x, options);

export const reduceMaxOp: DifferentiableOp<ReduceAttributes> = {
  ...reduction('ReduceMax', (values) =>
    values.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY),
  ),
  gradient: ({ inputs: [x], outputs: [y], attributes: { axes }, outputGradients: [dy] }) => {
    const isMaximum = cast(equal(x, y), x.dtype);
    return [multiply(divide(dy as Tensor, reduceSum(isMaximum, { axes, keepDims: true })), isMaximum)];
  },
};
