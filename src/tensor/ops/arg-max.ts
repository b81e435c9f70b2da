/** Where the maximum along an axis is. */

import { generate, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { anyNumber } from './elementwise.ts';

export interface ArgMaxAttributes {
  readonly axis: number;
}

/** Index (int64) of the maximum along `axis`, which disappears; the first of equal ones. */
export const argMax = (x: Tensor, { axis }: { axis: number }): Tensor =>
  apply(argMaxOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length) }));

export const argMaxOp: NonDifferentiableOp<ArgMaxAttributes> = {
  name: 'ArgMax',
  infer: ([x], { axis }) => {
    requireDType(x, anyNumber);
    return [{ dtype: 'int64', shape: x.shape.toSpliced(axis, 1) }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { axis } }) =>
    onnx.node('ArgMax', inputs, outputs, { attributes: { axis, keepdims: 0 } }),
  gradient: { whyNot: 'an index does not vary smoothly' },
  reference: ([x], { axis }) => {
    const strides = stridesOf(x.shape);
    return [
      generate(x.shape.toSpliced(axis, 1), (index) => {
        const start = index.toSpliced(axis, 0, 0).reduce((sum, position, i) => sum + position * strides[i], 0);
        let best = 0;
        for (let i = 1; i < x.shape[axis]; i++) {
          if (x.data[start + i * strides[axis]] > x.data[start + best * strides[axis]]) best = i;
        }
        return best;
      }),
    ];
  },
};
