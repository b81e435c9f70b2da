/** Elements picked one by one along an axis. */

import { sameShape } from '../dimension.ts';
import { generate, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { scatterElementsAdd } from './scatter-elements-add.ts';

export interface GatherElementsAttributes {
  readonly axis: number;
}

/**
 * PyTorch's `gather`: x and indices (int64 or int32) agree in all sizes but that of `axis`;
 * result[..., i, ...] = x[..., indices[..., i, ...], ...], shaped as indices.
 */
export const gatherElements = (x: Tensor, indices: Tensor, { axis }: { axis: number }): Tensor =>
  apply(gatherElementsOp, [x, indices], () => ({ axis: normalizeAxis(axis, x.shape.length) }));

export const gatherElementsOp: DifferentiableOp<GatherElementsAttributes> = {
  name: 'GatherElements',
  infer: ([x, indices], { axis }) => {
    requireDType(indices, ['int64', 'int32'], 'indices');
    if (!sameShape(x.shape.toSpliced(axis, 1), indices.shape.toSpliced(axis, 1))) {
      throw misfit(`sizes differ off axis ${axis}`);
    }
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes }) =>
    onnx.node('GatherElements', inputs, outputs, { attributes: { ...attributes } }),
  gradient: ({ inputs: [x, indices], attributes: { axis }, outputGradients: [dy] }) => [
    scatterElementsAdd(dy as Tensor, indices, { axis, size: x.shape[axis] }),
    null,
  ],
  reference: ([x, indices], { axis }) => {
    const strides = stridesOf(x.shape);
    return [
      generate(
        indices.shape,
        (index, flat) => x.data[index.with(axis, indices.data[flat]).reduce((sum, i, k) => sum + i * strides[k], 0)],
      ),
    ];
  },
};
