/** The opposite of every truth value (bool). */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';

/** The opposite of every truth value (bool). */
export const not = (x: Tensor): Tensor => apply(notOp, [x], null);

export const notOp: NonDifferentiableOp<null> = {
  ...unaryParts({ onnx: 'Not', f: (x) => 1 - x, dtypes: ['bool'] }),
  gradient: { whyNot: 'a truth value does not vary smoothly' },
};
