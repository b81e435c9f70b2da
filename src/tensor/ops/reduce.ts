/** The shared shape of reductions over axes. */

import type { Dim, Shape } from '../dimension.ts';
import { generate, type NdArray, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { EmitContext, Op } from '../tensor.ts';
import { apply, type Tensor, type TensorType, withOpContext } from '../tensor.ts';
import { anyNumber } from './elementwise.ts';
import { reshape } from './reshape.ts';

export interface ReduceAttributes {
  /** Axes to reduce, counted from the front. */
  readonly axes: readonly number[];
}

export interface ReduceOptions {
  /** Axes to reduce (negative ones count from the back); all when left out. */
  axes?: readonly number[];
  /** Whether reduced axes stay, with size one. */
  keepDims?: boolean;
}

/** Ops keep reduced axes; dropping them is a reshape, so that gradients broadcast without thought. */
export function applyReduction(op: Op<ReduceAttributes>, x: Tensor, { axes, keepDims = false }: ReduceOptions): Tensor {
  const rank = x.shape.length;
  const normalized = withOpContext(op, [x], () =>
    (axes ?? x.shape.map((_, axis) => axis)).map((axis) => normalizeAxis(axis, rank)),
  );
  if (normalized.length === 0) return x;
  const reduced = apply(op, [x], { axes: normalized });
  return keepDims ? reduced : reshape(reduced, withoutAxes(x.shape, normalized));
}

export const withoutAxes = (shape: Shape, axes: readonly number[]): Dim[] => shape.filter((_, i) => !axes.includes(i));

/** The parts of a reduction; `combine` folds the elements of one group. */
export function reduction(onnxName: string, combine: (values: number[]) => number) {
  return {
    name: onnxName,
    infer: ([x]: readonly Tensor[], { axes }: ReduceAttributes): TensorType[] => {
      requireDType(x, anyNumber);
      return [{ dtype: x.dtype, shape: x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)) }];
    },
    emit: ({ onnx, inputs, outputs, attributes: { axes } }: EmitContext<ReduceAttributes>) =>
      onnx.node(onnxName, [inputs[0], onnx.integers(axes)], outputs, { attributes: { keepdims: 1 } }),
    reference: ([x]: readonly NdArray[], { axes }: ReduceAttributes) => [reduceNd(x, axes, combine)],
  };
}

function reduceNd(x: NdArray, axes: readonly number[], combine: (values: number[]) => number): NdArray {
  const strides = stridesOf(x.shape);
  const offsets = generate(
    axes.map((axis) => x.shape[axis]),
    (index) => axes.reduce((sum, axis, i) => sum + index[i] * strides[axis], 0),
  );
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return generate(shape, (index) => {
    const base = index.reduce((sum, position, axis) => sum + position * strides[axis], 0);
    return combine(Array.from(offsets.data, (offset) => x.data[base + offset]));
  });
}
