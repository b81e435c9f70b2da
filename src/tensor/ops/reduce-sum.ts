/** Sum over axes. */

import type { DifferentiableOp, Tensor } from '../tensor.ts';
import { expand } from './expand.ts';
import { applyReduction, type ReduceAttributes, type ReduceOptions, reduction } from './reduce.ts';

/** Sum over axes (all when none are named). */
export const reduceSum = (x: Tensor, options: ReduceOptions = {}): Tensor => applyReduction(reduceSumOp, x, options);

export const reduceSumOp: DifferentiableOp<ReduceAttributes> = {
  ...reduction('ReduceSum', (values) => values.reduce((sum, value) => sum + value, 0)),
  gradient: ({ inputs: [x], outputGradients: [dy] }) => [expand(dy as Tensor, x.shape)],
};
