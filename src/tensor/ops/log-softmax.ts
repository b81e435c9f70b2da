/** Logarithm of softmax along an axis, without overflow. */

import { generate, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { exp } from './exp.ts';
import { multiply } from './multiply.ts';
import { reduceSum } from './reduce-sum.ts';
import { subtract } from './subtract.ts';

export interface LogSoftmaxAttributes {
  readonly axis: number;
}

/** x - log(sum(exp(x))) along `axis` (the last by default), the same shape as x. */
export const logSoftmax = (x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor =>
  apply(logSoftmaxOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length) }));

export const logSoftmaxOp: DifferentiableOp<LogSoftmaxAttributes> = {
  name: 'LogSoftmax',
  infer: ([x]) => {
    requireDType(x, anyFloat);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes }) =>
    onnx.node('LogSoftmax', inputs, outputs, { attributes: { ...attributes } }),
  // dy - softmax(x) * sum(dy)
  gradient: ({ outputs: [y], attributes: { axis }, outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    return [subtract(dy, multiply(exp(y), reduceSum(dy, { axes: [axis], keepDims: true })))];
  },
  reference: ([x], { axis }) => {
    const stride = stridesOf(x.shape)[axis];
    return [
      generate(x.shape, (index, flat) => {
        const start = flat - index[axis] * stride;
        const values = Array.from({ length: x.shape[axis] }, (_, i) => x.data[start + i * stride]);
        const top = Math.max(...values);
        return x.data[flat] - top - Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
      }),
    ];
  },
};
