/** exp(x) / sum(exp(x)) along an axis. */

import { generate, type NdArray, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { reduceSum } from './reduce-sum.ts';
import { subtract } from './subtract.ts';

export interface SoftmaxAttributes {
  readonly axis: number;
}

/** Softmax along `axis` (the last by default), the same shape as x. */
export const softmax = (x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor =>
  apply(softmaxOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length) }));

export const softmaxOp: DifferentiableOp<SoftmaxAttributes> = {
  name: 'Softmax',
  infer: ([x]) => {
    requireDType(x, anyFloat);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes }) =>
    onnx.node('Softmax', inputs, outputs, { attributes: { ...attributes } }),
  // y * (dy - sum(dy * y))
  gradient: ({ outputs: [y], attributes: { axis }, outputGradients }) => {
    const weighted = multiply(outputGradients[0] as Tensor, y);
    return [subtract(weighted, multiply(y, reduceSum(weighted, { axes: [axis], keepDims: true })))];
  },
  reference: ([x], { axis }) => [softmaxNd(x, axis)],
};

export function softmaxNd(x: NdArray, axis: number): NdArray {
  const stride = stridesOf(x.shape)[axis];
  return generate(x.shape, (index, flat) => {
    const start = flat - index[axis] * stride;
    const values = Array.from({ length: x.shape[axis] }, (_, i) => x.data[start + i * stride]);
    const top = Math.max(...values);
    return Math.exp(x.data[flat] - top) / values.reduce((sum, value) => sum + Math.exp(value - top), 0);
  });
}
