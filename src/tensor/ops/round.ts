/** The nearest integer of every element; halves go to the even one. */

import { roundHalfToEven } from '../float16.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';

/** The nearest integer of every element; halves go to the even one. */
export const round = (x: Tensor): Tensor => apply(roundOp, [x], null);

export const roundOp: NonDifferentiableOp<null> = {
  ...unaryParts({ onnx: 'Round', f: roundHalfToEven }),
  gradient: { whyNot: 'it is flat almost everywhere' },
};
