/** A stretch of an axis, with a step. */

import { addDims, type Dim, isStatic, type Shape, subtractDims } from '../dimension.ts';
import { generate, type NdArray, stridesOf } from '../nd-array.ts';
import { normalizeAxis } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor, withOpContext } from '../tensor.ts';
import { constant } from './constant.ts';
import { pad } from './pad.ts';
import { scatterAdd } from './scatter-add.ts';

export interface SliceAttributes {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/**
 * Elements `start`, `start + step`, ... before `end` of an axis. Static starts and ends may be negative (counted from
 * the back); a symbolic end needs step 1. A negative step walks backwards from `start` (default: the last) and needs a
 * static size.
 */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  const attributes = withOpContext(sliceOp, [x], () => sliceAttributes(x.shape, options));
  const { axis, start, end, step } = attributes;
  return start === 0 && end === x.shape[axis] && step === 1 ? x : apply(sliceOp, [x], attributes);
}

export interface SliceOptions {
  axis: number;
  start?: Dim;
  end?: Dim;
  step?: number;
}

function sliceAttributes(shape: Shape, { axis, start, end, step = 1 }: SliceOptions): SliceAttributes {
  const at = normalizeAxis(axis, shape.length);
  const size = shape[at];
  const fromFront = (dim: Dim): Dim => (isStatic(dim) && dim < 0 ? addDims(size, dim) : dim);
  if (step > 0) return { axis: at, start: fromFront(start ?? 0), end: fromFront(end ?? size), step };
  if (!isStatic(size) || step === 0) throw misfit('slicing backwards needs a static size and a step that is not 0');
  return { axis: at, start: fromFront(start ?? size - 1), end: end === undefined ? -1 : fromFront(end), step };
}

export const sliceOp: DifferentiableOp<SliceAttributes> = {
  name: 'Slice',
  infer: ([x], { axis, start, end, step }) => {
    const size = x.shape[axis];
    if (isStatic(size) && isStatic(start) && isStatic(end)) {
      if (step > 0 && (start < 0 || end > size || start > end)) {
        throw misfit(`${start}..${end} does not lie in 0..${size} on axis ${axis}`);
      }
      return [{ dtype: x.dtype, shape: x.shape.with(axis, Math.max(0, Math.ceil((end - start) / step))) }];
    }
    if (step !== 1) throw misfit('a symbolic slice needs step 1');
    return [{ dtype: x.dtype, shape: x.shape.with(axis, subtractDims(end, start)) }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { axis, start, end, step } }) => {
    // ONNX counts a negative end from the back; walking backwards past the front is spelled as a very small one.
    const last = step < 0 && end === -1 ? Number.MIN_SAFE_INTEGER : end;
    const bounds = [onnx.sizes([start]), onnx.sizes([last]), onnx.integers([axis]), onnx.integers([step])];
    onnx.node('Slice', [inputs[0], ...bounds], outputs);
  },
  gradient: ({ inputs: [x], outputs: [y], attributes: { axis, start, end, step }, outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    if (step === 1) return [pad(dy, { axis, before: start, after: subtractDims(x.shape[axis], end) })];
    const positions = Array.from({ length: y.shape[axis] as number }, (_, i) => (start as number) + i * step);
    return [scatterAdd(dy, constant('int64', [positions.length], positions), { axis, size: x.shape[axis] })];
  },
  reference: ([x], { axis, start, step }, [{ shape }], resolve) => [
    sliceNd(x, axis, resolve(start), step, shape as number[]),
  ],
};

/** The part of x that begins at `start` of an axis and has `shape`. */
export function sliceNd(x: NdArray, axis: number, start: number, step: number, shape: readonly number[]): NdArray {
  const strides = stridesOf(x.shape);
  return generate(
    shape,
    (index) => x.data[index.reduce((sum, i, k) => sum + (k === axis ? start + i * step : i) * strides[k], 0)],
  );
}
