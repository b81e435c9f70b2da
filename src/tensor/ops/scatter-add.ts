/** Slices added into zeros at given places of an axis: the gradient of gather. */

import type { Dim } from '../dimension.ts';
import { generate, ndArray } from '../nd-array.ts';
import type { DifferentiableOp } from '../op.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { gather } from './gather.ts';

interface ScatterAddAttributes {
  readonly axis: number;
  readonly size: Dim;
}

/**
 * updates [..., I..., ...], indices [I...] -> [..., size, ...]: every slice of `updates` along the axes of `indices`, which
 * begin at `axis`, is added to the slice that its index names. Indices may repeat.
 */
export const scatterAdd = (updates: Tensor, indices: Tensor, { axis, size }: { axis: number; size: Dim }): Tensor =>
  apply(scatterAddOp, [updates, indices], () => ({
    axis: normalizeAxis(axis, updates.shape.length - indices.shape.length + 1),
    size,
  }));

export const scatterAddOp: DifferentiableOp<ScatterAddAttributes> = {
  name: 'ScatterAdd',
  infer: ([updates, indices], { axis, size }) => {
    requireDType(indices, ['int64', 'int32'], 'indices');
    const along = updates.shape.slice(axis, axis + indices.shape.length);
    if (along.some((dim, i) => dim !== indices.shape[i]))
      throw misfit(`updates have no axes of the indices at ${axis}`);
    const rest = updates.shape.slice(axis + indices.shape.length);
    return [{ dtype: updates.dtype, shape: [...updates.shape.slice(0, axis), size, ...rest] }];
  },
  emit: ({ onnx, inputs: [updates, indices], outputs, inputTypes, outputTypes, attributes: { axis } }) => {
    // ScatterND writes along leading axes, so the axis is brought to the front and back.
    const rank = inputTypes[1].shape.length;
    const targetRank = outputTypes[0].shape.length;
    const front = [...range(axis, axis + rank), ...range(0, axis), ...range(axis + rank, inputTypes[0].shape.length)];
    const back = [...range(1, axis + 1), 0, ...range(axis + 1, targetRank)];
    const moved = axis === 0 ? updates : onnx.value('Transpose', [updates], { attributes: { perm: front } });
    const { shape, dtype } = outputTypes[0];
    const zeros = onnx.value('Expand', [
      onnx.scalar(dtype, 0),
      onnx.sizes([shape[axis], ...shape.slice(0, axis), ...shape.slice(axis + 1)]),
    ]);
    const wide = inputTypes[1].dtype === 'int64' ? indices : onnx.value('Cast', [indices], { attributes: { to: 7 } });
    const rows = onnx.value('Unsqueeze', [wide, onnx.integers([-1])]);
    const scattered = axis === 0 ? outputs[0] : undefined;
    const options = { attributes: { reduction: 'add' } };
    if (scattered) return onnx.node('ScatterND', [zeros, rows, moved], [scattered], options);
    const result = onnx.value('ScatterND', [zeros, rows, moved], options);
    onnx.node('Transpose', [result], outputs, { attributes: { perm: back } });
  },
  gradient: ({ inputs: [, indices], attributes: { axis }, outputGradients: [dy] }) => [
    gather(dy as Tensor, indices, { axis }),
    null,
  ],
  reference: ([updates, indices], { axis }, [{ shape }]) => {
    const result = ndArray(shape as number[]);
    const rank = indices.shape.length;
    generate(updates.shape, (index, flat) => {
      const row = indices.shape.reduce((sum, size, i) => sum * size + index[axis + i], 0);
      const target = [...index.slice(0, axis), indices.data[row], ...index.slice(axis + rank)];
      result.data[result.shape.reduce((sum, size, i) => sum * size + target[i], 0)] += updates.data[flat];
      return 0;
    });
    return [result];
  },
};

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
