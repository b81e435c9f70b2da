/** Indices as rows of zeros with a single one. */

import { generate } from '../nd-array.ts';
import { requireDType } from '../shape.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

export interface OneHotAttributes {
  readonly depth: number;
}

/**
 * indices [...] int64 -> [..., depth] float32. An index at or above depth gives zeros only;
 * negative ones count from the back, as ONNX has it.
 */
export const oneHot = (indices: Tensor, depth: number): Tensor => apply(oneHotOp, [indices], { depth });

export const oneHotOp: NonDifferentiableOp<OneHotAttributes> = {
  name: 'OneHot',
  infer: ([indices], { depth }) => {
    requireDType(indices, ['int64'], 'indices');
    return [{ dtype: 'float32', shape: [...indices.shape, depth] }];
  },
  emit: ({ onnx, inputs: [indices], outputs, attributes: { depth } }) =>
    onnx.node(
      'OneHot',
      [indices, onnx.integers([depth]), onnx.constant('float32', [2], Float32Array.of(0, 1))],
      outputs,
    ),
  gradient: { whyNot: 'an index does not vary smoothly' },
  reference: ([indices], { depth }) => [
    generate([...indices.shape, depth], (index, flat) => {
      const wanted = indices.data[Math.floor(flat / depth)];
      return Number((wanted < 0 ? wanted + depth : wanted) === index[index.length - 1]);
    }),
  ],
};
