/** The larger of a and b with broadcasting; where they are equal the gradient goes to a. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';
import { less } from './less.ts';
import { where } from './where.ts';

/** The larger of a and b with broadcasting; where they are equal the gradient goes to a. */
export const maximum = (a: Operand, b: Operand): Tensor => apply(maximumOp, operands(a, b), null);

export const maximumOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Max',
  f: Math.max,
  gradient: (dy, a, b) => [where(less(a, b), 0, dy), where(less(a, b), dy, 0)],
});
