/** The integers from zero: positions, offsets of batch elements. */

import type { Dim } from '../dimension.ts';
import { generate } from '../nd-array.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

export interface RangeAttributes {
  readonly size: Dim;
}

/** 0, 1, ... size - 1 as int64 [size]; the size may be symbolic. */
export const range = (size: Dim): Tensor => apply(rangeOp, [], { size });

export const rangeOp: NonDifferentiableOp<RangeAttributes> = {
  name: 'Range',
  infer: (_, { size }) => [{ dtype: 'int64', shape: [size] }],
  emit: ({ onnx, outputs, attributes: { size } }) => {
    const end = onnx.value('Squeeze', [onnx.sizes([size])]);
    onnx.node('Range', [onnx.scalar('int64', 0), end, onnx.scalar('int64', 1)], outputs);
  },
  gradient: { whyNot: 'an integer does not vary smoothly' },
  reference: (_inputs, _attributes, [{ shape }]) => [generate(shape as number[], (_, flat) => flat)],
};
