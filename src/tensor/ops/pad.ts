/** Zeros before and after an axis. */

import { addDims, type Dim } from '../dimension.ts';
import { generate, stridesOf } from '../nd-array.ts';
import { normalizeAxis } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { slice } from './slice.ts';

export interface PadAttributes {
  readonly axis: number;
  readonly before: Dim;
  readonly after: Dim;
}

/** @param before number of zeros before the axis, `after` of those behind it. */
export function pad(x: Tensor, { axis, before = 0, after = 0 }: { axis: number; before?: Dim; after?: Dim }): Tensor {
  if (before === 0 && after === 0) return x;
  return apply(padOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length), before, after }));
}

export const padOp: DifferentiableOp<PadAttributes> = {
  name: 'Pad',
  infer: ([x], { axis, before, after }) => [
    { dtype: x.dtype, shape: x.shape.with(axis, [before, x.shape[axis], after].reduce(addDims)) },
  ],
  emit: ({ onnx, inputs, outputs, inputTypes: [{ shape }], attributes: { axis, before, after } }) => {
    // Amounts for all axes: ONNX Runtime moves transposes through Pad as if its `axes` input did not exist.
    const zeros = new Array<Dim>(shape.length).fill(0);
    onnx.node('Pad', [inputs[0], onnx.sizes([...zeros.with(axis, before), ...zeros.with(axis, after)])], outputs);
  },
  gradient: ({ inputs: [x], attributes: { axis, before }, outputGradients: [dy] }) => [
    slice(dy as Tensor, { axis, start: before, end: addDims(before, x.shape[axis]) }),
  ],
  reference: ([x], { axis, before }, [{ shape }], resolve) => {
    const strides = stridesOf(x.shape);
    const first = resolve(before);
    return [
      generate(shape as number[], (index) => {
        const i = index[axis] - first;
        if (i < 0 || i >= x.shape[axis]) return 0;
        return x.data[index.reduce((sum, position, k) => sum + (k === axis ? i : position) * strides[k], 0)];
      }),
    ];
  },
};
