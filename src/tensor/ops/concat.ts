/** Tensors joined along an axis. */

import { addDims, type Dim, sameShape } from '../dimension.ts';
import { generate, type NdArray } from '../nd-array.ts';
import { normalizeAxis, requireSameDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { slice } from './slice.ts';

export interface ConcatAttributes {
  readonly axis: number;
}

/** @param axis may be negative; all other sizes must agree. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 1) return tensors[0];
  return apply(concatOp, tensors, () => {
    if (tensors.length === 0) throw misfit('there is nothing to join');
    return { axis: normalizeAxis(axis, tensors[0].shape.length) };
  });
}

export const concatOp: DifferentiableOp<ConcatAttributes> = {
  name: 'Concat',
  infer: (tensors, { axis }) => {
    const [first] = tensors;
    const others = (shape: readonly Dim[]) => shape.filter((_, i) => i !== axis);
    for (const { shape } of tensors) {
      if (!sameShape(others(shape), others(first.shape))) throw misfit(`sizes differ off axis ${axis}`);
    }
    const joined = tensors.map(({ shape }) => shape[axis]).reduce(addDims);
    return [{ dtype: requireSameDType(...tensors), shape: first.shape.with(axis, joined) }];
  },
  emit: ({ onnx, inputs, outputs, attributes }) =>
    onnx.node('Concat', inputs, outputs, { attributes: { ...attributes } }),
  gradient: ({ inputs, attributes: { axis }, outputGradients: [dy] }) => {
    let start: Dim = 0;
    return inputs.map(({ shape }) => {
      const end: Dim = addDims(start, shape[axis]);
      const part = slice(dy as Tensor, { axis, start, end });
      start = end;
      return part;
    });
  },
  reference: (arrays, { axis }) => [concatNd(arrays, axis)],
};

function concatNd(arrays: readonly NdArray[], axis: number): NdArray {
  const starts = arrays.map((_, i) => arrays.slice(0, i).reduce((sum, { shape }) => sum + shape[axis], 0));
  const total = arrays.reduce((sum, { shape }) => sum + shape[axis], 0);
  return generate(arrays[0].shape.with(axis, total), (index) => {
    const i = starts.findLastIndex((start, k) => start <= index[axis] && arrays[k].shape[axis] > index[axis] - start);
    const { shape, data } = arrays[i];
    return data[shape.reduce((flat, size, k) => flat * size + (k === axis ? index[k] - starts[i] : index[k]), 0)];
  });
}
