/** a * b with broadcasting. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';

/** a * b with broadcasting. */
export const multiply = (a: Operand, b: Operand): Tensor => apply(multiplyOp, operands(a, b), null);

export const multiplyOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Mul',
  f: (a, b) => a * b,
  gradient: (dy, a, b) => [multiply(dy, b), multiply(dy, a)],
});
