/** x above zero, slope * x below, elementwise; the gradient at 0 is the slope, as in PyTorch. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { unaryParts } from './elementwise.ts';
import { greater } from './greater.ts';
import { multiply } from './multiply.ts';
import { where } from './where.ts';

export interface LeakyReluAttributes {
  readonly slope: number;
}

/** x above zero, slope * x below, elementwise. ONNX Runtime computes it together with the convolution before it. */
export const leakyRelu = (x: Tensor, slope: number): Tensor => apply(leakyReluOp, [x], { slope });

export const leakyReluOp: DifferentiableOp<LeakyReluAttributes> = {
  name: 'LeakyRelu',
  infer: unaryParts({ onnx: 'LeakyRelu', f: Number }).infer,
  emit: ({ onnx, inputs, outputs, attributes: { slope } }) =>
    onnx.node('LeakyRelu', inputs, outputs, { attributes: { alpha: { float: slope } } }),
  gradient: ({ inputs: [x], attributes: { slope }, outputGradients: [dy] }) => [
    where(greater(x, 0), dy as Tensor, multiply(dy as Tensor, slope)),
  ],
  reference: ([x], { slope }) => [{ shape: x.shape, data: x.data.map((value) => (value > 0 ? value : slope * value)) }],
};
