/** The largest integer not above every element. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';

/** The largest integer not above every element. */
export const floor = (x: Tensor): Tensor => apply(floorOp, [x], null);

export const floorOp: NonDifferentiableOp<null> = {
  ...unaryParts({ onnx: 'Floor', f: Math.floor }),
  gradient: { whyNot: 'it is flat almost everywhere' },
};
