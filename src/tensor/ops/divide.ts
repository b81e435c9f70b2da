/** a / b with broadcasting; integers round towards zero. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { binaryOp, type Operand, operands } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { negate } from './negate.ts';

/** a / b with broadcasting; integers round towards zero. */
export const divide = (a: Operand, b: Operand): Tensor => apply(divideOp, operands(a, b), null);

export const divideOp: DifferentiableOp<null> = binaryOp({
  onnx: 'Div',
  f: (a, b) => a / b,
  gradient: (dy, _, b, y) => [divide(dy, b), negate(divide(multiply(dy, y), b))],
});
