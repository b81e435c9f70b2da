/** Square root of every element. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { divide } from './divide.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';

/** Square root of every element. */
export const sqrt = (x: Tensor): Tensor => apply(sqrtOp, [x], null);

export const sqrtOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Sqrt',
  f: Math.sqrt,
  gradient: (_, y, dy) => divide(dy, multiply(y, 2)),
});
