/** Axes in another order. */

import { generate, stridesOf } from '../nd-array.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

export interface TransposeAttributes {
  readonly permutation: readonly number[];
}

/** Axis i of the result is axis `permutation[i]` of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return permutation.every((axis, i) => axis === i) ? x : apply(transposeOp, [x], { permutation });
}

/** Two axes exchanged; negative axes count from the back. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, axis) => axis);
  const [i, j] = [a < 0 ? a + order.length : a, b < 0 ? b + order.length : b];
  [order[i], order[j]] = [order[j], order[i]];
  return transpose(x, order);
}

export const transposeOp: DifferentiableOp<TransposeAttributes> = {
  name: 'Transpose',
  infer: ([x], { permutation }) => {
    const sorted = [...permutation].sort((a, b) => a - b);
    if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw misfit(`[${permutation.join(', ')}] is not an order of ${x.shape.length} axes`);
    }
    return [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]) }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { permutation } }) =>
    onnx.node('Transpose', inputs, outputs, { attributes: { perm: permutation } }),
  gradient: ({ attributes: { permutation }, outputGradients: [dy] }) => [
    transpose(
      dy as Tensor,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  reference: ([x], { permutation }) => {
    const strides = stridesOf(x.shape);
    const shape = permutation.map((axis) => x.shape[axis]);
    return [
      generate(shape, (index) => x.data[permutation.reduce((sum, axis, i) => sum + index[i] * strides[axis], 0)]),
    ];
  },
};
