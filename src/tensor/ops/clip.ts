/** Every element limited to a range. */

import { mapNd } from '../nd-array.ts';
import { requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { anyNumber } from './elementwise.ts';
import { equal } from './equal.ts';
import { where } from './where.ts';

export interface ClipAttributes {
  readonly min: number;
  readonly max: number;
}

/** min(max(x, min), max), elementwise. Gradient flows where x lies in the range, its ends included. */
export const clip = (x: Tensor, { min = -Infinity, max = Infinity }: { min?: number; max?: number }): Tensor =>
  apply(clipOp, [x], { min, max });

export const clipOp: DifferentiableOp<ClipAttributes> = {
  name: 'Clip',
  infer: ([x]) => {
    requireDType(x, anyNumber);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs: [x], outputs, inputTypes: [{ dtype }], attributes: { min, max } }) => {
    const bound = (value: number) => (Number.isFinite(value) ? onnx.scalar(dtype, value) : '');
    onnx.node('Clip', [x, bound(min), bound(max)], outputs);
  },
  gradient: ({ inputs: [x], outputs: [y], outputGradients: [dy] }) => [where(equal(x, y), dy as Tensor, 0)],
  reference: ([x], { min, max }) => [mapNd(x, (value) => Math.min(Math.max(value, min), max))],
};
