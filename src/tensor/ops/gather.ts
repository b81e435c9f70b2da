/** Slices of an axis picked by index: embedding lookups, selections. */

import { generate } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { scatterAdd } from './scatter-add.ts';

export interface GatherAttributes {
  readonly axis: number;
}

/** x [..., N, ...], indices [I...] int64 or int32 -> [..., I..., ...]: slices `indices` of `axis`. */
export const gather = (x: Tensor, indices: Tensor, { axis }: { axis: number }): Tensor =>
  apply(gatherOp, [x, indices], () => ({ axis: normalizeAxis(axis, x.shape.length) }));

export const gatherOp: DifferentiableOp<GatherAttributes> = {
  name: 'Gather',
  infer: ([x, indices], { axis }) => {
    requireDType(indices, ['int64', 'int32'], 'indices');
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  emit: ({ onnx, inputs, outputs, attributes }) =>
    onnx.node('Gather', inputs, outputs, { attributes: { ...attributes } }),
  gradient: ({ inputs: [x, indices], attributes: { axis }, outputGradients: [dy] }) => [
    scatterAdd(dy as Tensor, indices, { axis, size: x.shape[axis] }),
    null,
  ],
  reference: ([x, indices], { axis }) => {
    const rank = indices.shape.length;
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return [
      generate(shape, (index) => {
        const flat = indices.shape.reduce((sum, size, i) => sum * size + index[axis + i], 0);
        const source = [...index.slice(0, axis), indices.data[flat], ...index.slice(axis + rank)];
        return x.data[x.shape.reduce((sum, size, i) => sum * size + source[i], 0)];
      }),
    ];
  },
};
