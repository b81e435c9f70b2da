/** a - b with broadcasting. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';
import { negate } from './negate.ts';

/** a - b with broadcasting. */
export const subtract = (a: Operand, b: Operand): Tensor => apply(subtractOp, operands(a, b), null);

export const subtractOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Sub',
  f: (a, b) => a - b,
  gradient: (dy) => [dy, negate(dy)],
});
