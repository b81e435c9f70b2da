/** -1, 0 or 1 by the sign of every element. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';

/** -1, 0 or 1 by the sign of every element. */
export const sign = (x: Tensor): Tensor => apply(signOp, [x], null);

export const signOp: NonDifferentiableOp<null> = {
  ...unaryParts({ onnx: 'Sign', f: Math.sign }),
  gradient: { whyNot: 'it is flat almost everywhere' },
};
