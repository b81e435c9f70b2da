/** 1 / (1 + exp(-x)), elementwise. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryOp } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { subtract } from './subtract.ts';

/** 1 / (1 + exp(-x)), elementwise. */
export const sigmoid = (x: Tensor): Tensor => apply(sigmoidOp, [x], null);

export const sigmoidOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Sigmoid',
  f: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (_, y, dy) => multiply(dy, multiply(y, subtract(1, y))),
});
