/** Whether both a and b hold (bool), with broadcasting. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { comparisonOp } from './elementwise.ts';

/** Whether both a and b hold (bool), with broadcasting. */
export const and = (a: Tensor, b: Tensor): Tensor => apply(andOp, [a, b], null);

export const andOp: NonDifferentiableOp<null> = comparisonOp({
  onnx: 'And',
  f: (a, b) => a && b,
  dtypes: ['bool'],
  gradient: { whyNot: 'a truth value does not vary smoothly' },
});
