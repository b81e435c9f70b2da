/** Slices added into zeros at given places of an axis: the gradient of gather. */

import { type Dim, isStatic, sizeOf } from '../dimension.ts';
import { generate, ndArray } from '../nd-array.ts';
import type { OnnxWriter } from '../onnx-writer.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp, EmitContext } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { gather } from './gather.ts';

export interface ScatterAddAttributes {
  readonly axis: number;
  readonly size: Dim;
}

/**
 * updates [..., I..., ...], indices [I...] -> [..., size, ...]: every slice of `updates` along the axes of `indices`,
 * which begin at `axis`, is added to the slice that its index names. Indices may repeat.
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
  emit: scatterRows,
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

/** ScatterND works along leading axes, so the axis is brought to the front and back. */
function scatterRows({
  onnx,
  inputs,
  outputs,
  inputTypes,
  outputTypes,
  attributes: { axis },
}: EmitContext<ScatterAddAttributes>) {
  const rank = inputTypes[1].shape.length;
  const { shape, dtype } = outputTypes[0];
  const front = [...range(axis, axis + rank), ...range(0, axis), ...range(axis + rank, inputTypes[0].shape.length)];
  const back = [...range(1, axis + 1), 0, ...range(axis + 1, shape.length)];
  const slice = [...shape.slice(0, axis), ...shape.slice(axis + 1)];
  const moved = axis === 0 ? inputs[0] : onnx.value('Transpose', [inputs[0]], { attributes: { perm: front } });
  const rows = sizeOf(inputTypes[1].shape);
  const zeros = onnx.value('Expand', [onnx.scalar(dtype, 0), onnx.sizes([shape[axis], ...slice])]);
  const updates = onnx.value('Reshape', [moved, onnx.sizes([rows, ...slice])], { attributes: { allowzero: 1 } });
  const wide = inputTypes[1].dtype === 'int64' ? inputs[1] : onnx.value('Cast', [inputs[1]], { attributes: { to: 7 } });
  const places = onnx.value('Reshape', [wide, onnx.sizes([rows, 1])], { attributes: { allowzero: 1 } });
  const width = sizeOf(slice);
  const sum =
    isStatic(rows) && isStatic(width)
      ? addStaticRows(onnx, zeros, places, updates, rows, width)
      : onnx.value('ScatterElements', [zeros, expandTo(onnx, places, rows, slice), updates], {
          attributes: { axis: 0, reduction: 'add' },
        });
  if (axis === 0) onnx.alias(outputs[0], sum);
  else onnx.node('Transpose', [sum], outputs, { attributes: { perm: back } });
}

/**
 * ONNX Runtime's ScatterND divides the updates among threads that then add to the same element at once, and loses sums
 * (measured in 1.30, see docs/decisions). It stays on one thread where there are fewer than about 200,000 elements, so
 * longer updates go in stretches, each added in place. That runs at 1-10 GB/s; ScatterElements, which is right for any
 * number of threads, takes 10 to 60 ns for every element and is left for rows whose number is not known.
 */
const mostElements = 150_000;

function addStaticRows(
  onnx: OnnxWriter,
  zeros: string,
  places: string,
  updates: string,
  rows: number,
  width: number,
): string {
  const stretch = Math.max(1, Math.floor(mostElements / Math.max(width, 1)));
  const options = { attributes: { reduction: 'add' } };
  if (rows <= stretch) return onnx.value('ScatterND', [zeros, places, updates], options);
  let sum = zeros;
  for (let start = 0; start < rows; start += stretch) {
    const bounds = [start, Math.min(start + stretch, rows), 0].map((value) => onnx.integers([value]));
    const [some, theirs] = [places, updates].map((all) => onnx.value('Slice', [all, ...bounds]));
    sum = onnx.value('ScatterND', [sum, some, theirs], options);
  }
  return sum;
}

/** int64 [rows, 1] -> [rows, ...slice] */
function expandTo(onnx: OnnxWriter, places: string, rows: Dim, slice: readonly Dim[]): string {
  const column = onnx.value('Reshape', [places, onnx.sizes([rows, ...slice.map(() => 1)])], {
    attributes: { allowzero: 1 },
  });
  return onnx.value('Expand', [column, onnx.sizes([rows, ...slice])]);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
