/** Whether a or b holds (bool), with broadcasting. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { comparisonOp } from './elementwise.ts';

/** Whether a or b holds (bool), with broadcasting. */
export const or = (a: Tensor, b: Tensor): Tensor => apply(orOp, [a, b], null);

export const orOp: NonDifferentiableOp<null> = comparisonOp({
  onnx: 'Or',
  f: (a, b) => a || b,
  dtypes: ['bool'],
  gradient: { whyNot: 'a truth value does not vary smoothly' },
});
