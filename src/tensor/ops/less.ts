/** Whether a < b, with broadcasting, as bool. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { comparisonOp, type Operand, operands } from './elementwise.ts';

/** Whether a < b, with broadcasting, as bool. */
export const less = (a: Operand, b: Operand): Tensor => apply(lessOp, operands(a, b), null);

export const lessOp: NonDifferentiableOp<null> = comparisonOp({
  onnx: 'Less',
  f: (a, b) => Number(a < b),
  result: 'bool',
  gradient: { whyNot: 'a truth value does not vary smoothly' },
});
