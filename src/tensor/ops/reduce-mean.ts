/** Mean over axes. */

import { isStatic, sizeOf } from '../dimension.ts';
import type { DifferentiableOp, Tensor } from '../tensor.ts';
import { constantLike } from './constant.ts';
import { divide } from './divide.ts';
import { expand } from './expand.ts';
import { multiply } from './multiply.ts';
import { applyReduction, type ReduceAttributes, type ReduceOptions, reduction } from './reduce.ts';
import { reduceSum } from './reduce-sum.ts';

/** Mean over axes (all when none are named). */
export const reduceMean = (x: Tensor, options: ReduceOptions = {}): Tensor => applyReduction(reduceMeanOp, x, options);

export const reduceMeanOp: DifferentiableOp<ReduceAttributes> = {
  ...reduction('ReduceMean', (values) => values.reduce((sum, value) => sum + value, 0) / values.length),
  gradient: ({ inputs: [x], attributes: { axes }, outputGradients: [dy] }) => {
    const reduced = axes.map((axis) => x.shape[axis]);
    const count = sizeOf(reduced);
    // A size that is only known at run time is counted there.
    const scaled = isStatic(count)
      ? multiply(dy as Tensor, 1 / count)
      : divide(dy as Tensor, reduceSum(expand(constantLike(1, x), reduced)));
    return [expand(scaled, x.shape)];
  },
};
