/** Cosine of every element (radians). */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { negate } from './negate.ts';
import { sin } from './sin.ts';

/** Cosine of every element (radians). */
export const cos = (x: Tensor): Tensor => apply(cosOp, [x], null);

export const cosOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Cos',
  f: Math.cos,
  gradient: (x, _, dy) => negate(multiply(dy, sin(x))),
});
