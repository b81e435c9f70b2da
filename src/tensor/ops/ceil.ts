/** The smallest integer not below every element. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';

/** The smallest integer not below every element. */
export const ceil = (x: Tensor): Tensor => apply(ceilOp, [x], null);

export const ceilOp: NonDifferentiableOp<null> = {
  ...unaryParts({ onnx: 'Ceil', f: Math.ceil }),
  gradient: { whyNot: 'it is flat almost everywhere' },
};
