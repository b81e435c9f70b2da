/** The k largest (or smallest) elements along an axis, in order. */

import { isStatic } from '../dimension.ts';
import { ndArray, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { scatterElementsAdd } from './scatter-elements-add.ts';

export interface TopKAttributes {
  readonly k: number;
  readonly axis: number;
  readonly largest: boolean;
}

/**
 * values and indices (int64) of the `k` largest elements along `axis` (the last by default), the largest first;
 * `largest: false` gives the smallest instead. Of equal elements the first comes first.
 * There must be at least one row: ONNX Runtime 1.30 divides by their number (and the process ends).
 */
export function topK(
  x: Tensor,
  { k, axis = -1, largest = true }: { k: number; axis?: number; largest?: boolean },
): { values: Tensor; indices: Tensor } {
  const [values, indices] = applyAll(topKOp, [x], () => ({ k, axis: normalizeAxis(axis, x.shape.length), largest }));
  return { values, indices };
}

export const topKOp: DifferentiableOp<TopKAttributes> = {
  name: 'TopK',
  infer: ([x], { k, axis }) => {
    requireDType(x, ['float32', 'int32', 'int64']);
    const size = x.shape[axis];
    if (isStatic(size) && k > size) throw misfit(`axis ${axis} has ${size} elements, not ${k}`);
    const shape = x.shape.with(axis, k);
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  emit: ({ onnx, inputs, outputs: [values = '', indices = ''], attributes: { k, axis, largest } }) => {
    // ONNX wants both outputs named, also where only one is used.
    const named = [values || `${indices}_values`, indices || `${values}_indices`];
    onnx.node('TopK', [inputs[0], onnx.integers([k])], named, {
      attributes: { axis, largest: Number(largest), sorted: 1 },
    });
  },
  gradient: ({ inputs: [x], outputs: [, indices], attributes: { axis }, outputGradients: [dy] }) => [
    dy && scatterElementsAdd(dy, indices, { axis, size: x.shape[axis] }),
  ],
  reference: ([x], { k, axis, largest }) => {
    const shape = x.shape.with(axis, k);
    const [values, indices] = [ndArray(shape), ndArray(shape)];
    const inner = stridesOf(x.shape)[axis];
    const size = x.shape[axis];
    for (let lane = 0; lane * size < x.data.length; lane++) {
      const [outer, offset] = [Math.floor(lane / inner), lane % inner];
      const valueAt = (i: number) => x.data[(outer * size + i) * inner + offset];
      const order = Array.from({ length: size }, (_, i) => i);
      order.sort((a, b) => (largest ? valueAt(b) - valueAt(a) : valueAt(a) - valueAt(b)) || a - b);
      for (let i = 0; i < k; i++) {
        const target = (outer * k + i) * inner + offset;
        values.data[target] = valueAt(order[i]);
        indices.data[target] = order[i];
      }
    }
    return [values, indices];
  },
};
