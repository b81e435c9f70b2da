/** Natural logarithm of every element. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { divide } from './divide.ts';
import { unaryOp } from './elementwise.ts';

/** Natural logarithm of every element. */
export const log = (x: Tensor): Tensor => apply(logOp, [x], null);

export const logOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Log',
  f: Math.log,
  gradient: (x, _, dy) => divide(dy, x),
});
