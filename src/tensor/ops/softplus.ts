/** log(1 + exp(x)), elementwise, without overflow. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { sigmoid } from './sigmoid.ts';

/** log(1 + exp(x)), elementwise, without overflow. */
export const softplus = (x: Tensor): Tensor => apply(softplusOp, [x], null);

export const softplusOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Softplus',
  f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: (x, _, dy) => multiply(dy, sigmoid(x)),
});
