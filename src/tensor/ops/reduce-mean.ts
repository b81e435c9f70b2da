/** Mean over axes. */

import { sizeOf } from '../dimension.ts';
import type { DifferentiableOp } from '../op.ts';
import { staticDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { expand } from './expand.ts';
import { multiply } from './multiply.ts';
import { applyReduction, type ReduceAttributes, type ReduceOptions, reduction } from './reduce.ts';

/** Mean over axes (all when none are named). Its gradient needs the reduced sizes to be static. */
export const reduceMean = (x: Tensor, options: ReduceOptions = {}): Tensor => applyReduction(reduceMeanOp, x, options);

export const reduceMeanOp: DifferentiableOp<ReduceAttributes> = {
  ...reduction('ReduceMean', (values) => values.reduce((sum, value) => sum + value, 0) / values.length),
  gradient: ({ inputs: [x], attributes: { axes }, outputGradients: [dy] }) => {
    const count = staticDim(sizeOf(axes.map((axis) => x.shape[axis])), 'the number of elements of a mean');
    return [expand(multiply(dy as Tensor, 1 / count), x.shape)];
  },
};
