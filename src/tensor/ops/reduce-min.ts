/** Minimum over axes. */

import type { DifferentiableOp, Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { divide } from './divide.ts';
import { equal } from './equal.ts';
import { multiply } from './multiply.ts';
import { applyReduction, type ReduceAttributes, type ReduceOptions, reduction } from './reduce.ts';
import { reduceSum } from './reduce-sum.ts';

/** Minimum over axes (all when none are named); equal minima share the gradient, as in PyTorch's amin. */
export const reduceMin = (x: Tensor, options: ReduceOptions = {}): Tensor => applyReduction(reduceMinOp, x, options);

export const reduceMinOp: DifferentiableOp<ReduceAttributes> = {
  ...reduction('ReduceMin', (values) =>
    values.reduce((best, value) => Math.min(best, value), Number.POSITIVE_INFINITY),
  ),
  gradient: ({ inputs: [x], outputs: [y], attributes: { axes }, outputGradients: [dy] }) => {
    const isMinimum = cast(equal(x, y), x.dtype);
    return [multiply(divide(dy as Tensor, reduceSum(isMinimum, { axes, keepDims: true })), isMinimum)];
  },
};
