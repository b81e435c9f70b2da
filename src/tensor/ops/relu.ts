/** max(x, 0), elementwise; the gradient at 0 is 0. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { greater } from './greater.ts';
import { where } from './where.ts';

/** max(x, 0), elementwise; the gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => apply(reluOp, [x], null);

export const reluOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Relu',
  f: (x) => Math.max(x, 0),
  gradient: (_, y, dy) => where(greater(y, 0), dy, 0),
});
