/** Every element to a fixed power. */

import { mapNd } from '../nd-array.ts';
import { requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { constantLike } from './constant.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';

export interface PowerAttributes {
  readonly exponent: number;
}

/** x ** exponent, elementwise. */
export const power = (x: Tensor, exponent: number): Tensor => (exponent === 1 ? x : apply(powerOp, [x], { exponent }));

export const powerOp: DifferentiableOp<PowerAttributes> = {
  name: 'Pow',
  infer: ([x]) => {
    requireDType(x, anyFloat);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs: [x], outputs, attributes: { exponent } }) => {
    if (exponent === 2) return onnx.node('Mul', [x, x], outputs);
    onnx.node('Pow', [x, onnx.scalar('float32', exponent)], outputs);
  },
  gradient: ({ inputs: [x], attributes: { exponent }, outputGradients: [dy] }) => {
    if (exponent === 0) return [multiply(dy as Tensor, constantLike(0, x))];
    return [multiply(dy as Tensor, multiply(power(x, exponent - 1), exponent))];
  },
  reference: ([x], { exponent }) => [mapNd(x, (value) => value ** exponent)],
};
