/** Minus every element. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';

/** Minus every element. */
export const negate = (x: Tensor): Tensor => apply(negateOp, [x], null);

export const negateOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Neg',
  f: (x) => -x,
  gradient: (_x, _y, dy) => negate(dy),
});
