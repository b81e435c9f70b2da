/** The smaller of a and b with broadcasting; where they are equal the gradient goes to a. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';
import { greater } from './greater.ts';
import { where } from './where.ts';

/** The smaller of a and b with broadcasting; where they are equal the gradient goes to a. */
export const minimum = (a: Operand, b: Operand): Tensor => apply(minimumOp, operands(a, b), null);

export const minimumOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Min',
  f: Math.min,
  gradient: (dy, a, b) => [where(greater(a, b), 0, dy), where(greater(a, b), dy, 0)],
});
