/** Sine of every element (radians). */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { cos } from './cos.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';

/** Sine of every element (radians). */
export const sin = (x: Tensor): Tensor => apply(sinOp, [x], null);

export const sinOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Sin',
  f: Math.sin,
  gradient: (x, _, dy) => multiply(dy, cos(x)),
});
