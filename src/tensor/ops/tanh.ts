/** Hyperbolic tangent of every element. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { subtract } from './subtract.ts';

/** Hyperbolic tangent of every element. */
export const tanh = (x: Tensor): Tensor => apply(tanhOp, [x], null);

export const tanhOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Tanh',
  f: Math.tanh,
  gradient: (_, y, dy) => multiply(dy, subtract(1, multiply(y, y))),
});
