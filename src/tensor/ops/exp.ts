/** e to the power of every element. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';

/** e to the power of every element. */
export const exp = (x: Tensor): Tensor => apply(expOp, [x], null);

export const expOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Exp',
  f: Math.exp,
  gradient: (_, y, dy) => multiply(dy, y),
});
