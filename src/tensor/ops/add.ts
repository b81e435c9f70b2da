/** a + b with broadcasting. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';

/** a + b with broadcasting. */
export const add = (a: Operand, b: Operand): Tensor => apply(addOp, operands(a, b), null);

export const addOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Add',
  f: (a, b) => a + b,
  gradient: (dy) => [dy, dy],
});
