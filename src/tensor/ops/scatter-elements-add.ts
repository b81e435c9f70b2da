/** Elements added one by one into zeros along an axis: the gradient of gatherElements. */

import { type Dim, sameShape } from '../dimension.ts';
import { generate, ndArray, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { gatherElements } from './gather-elements.ts';

export interface ScatterElementsAddAttributes {
  readonly axis: number;
  readonly size: Dim;
}

/**
 * updates and indices (int64 or int32) of one shape -> zeros of that shape with `size` along `axis`, to which
 * result[..., indices[..., i, ...], ...] += updates[..., i, ...]. Indices may repeat.
 */
export const scatterElementsAdd = (
  updates: Tensor,
  indices: Tensor,
  { axis, size }: { axis: number; size: Dim },
): Tensor =>
  apply(scatterElementsAddOp, [updates, indices], () => ({ axis: normalizeAxis(axis, updates.shape.length), size }));

export const scatterElementsAddOp: DifferentiableOp<ScatterElementsAddAttributes> = {
  name: 'ScatterElementsAdd',
  infer: ([updates, indices], { axis, size }) => {
    requireDType(indices, ['int64', 'int32'], 'indices');
    if (!sameShape(updates.shape, indices.shape)) throw misfit('updates and indices must have one shape');
    return [{ dtype: updates.dtype, shape: updates.shape.with(axis, size) }];
  },
  emit: ({ onnx, inputs: [updates, indices], outputs, outputTypes: [{ dtype, shape }], attributes: { axis } }) => {
    const zeros = onnx.value('Expand', [onnx.scalar(dtype, 0), onnx.sizes(shape)]);
    onnx.node('ScatterElements', [zeros, indices, updates], outputs, { attributes: { axis, reduction: 'add' } });
  },
  gradient: ({ inputs: [, indices], attributes: { axis }, outputGradients: [dy] }) => [
    gatherElements(dy as Tensor, indices, { axis }),
    null,
  ],
  reference: ([updates, indices], { axis }, [{ shape }]) => {
    const result = ndArray(shape as number[]);
    const strides = stridesOf(result.shape);
    generate(updates.shape, (index, flat) => {
      const target = index.with(axis, indices.data[flat]).reduce((sum, i, k) => sum + i * strides[k], 0);
      result.data[target] += updates.data[flat];
      return 0;
    });
    return [result];
  },
};
