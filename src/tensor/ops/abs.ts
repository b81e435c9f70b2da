/** Absolute value of every element; the gradient at 0 is 0. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { sign } from './sign.ts';

/** Absolute value of every element; the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => apply(absOp, [x], null);

export const absOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Abs',
  f: Math.abs,
  gradient: (x, _, dy) => multiply(dy, sign(x)),
});
