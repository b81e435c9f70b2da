/** An axis cut into consecutive stretches. */

import { normalizeAxis } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { concat } from './concat.ts';
import { constantLike } from './constant.ts';
import { expand } from './expand.ts';
import { sliceNd } from './slice.ts';

export interface SplitAttributes {
  readonly axis: number;
  readonly lengths: readonly number[];
  readonly inTurn: boolean;
}

export interface SplitOptions {
  readonly axis: number;
  readonly lengths: readonly number[];
  /** Whether each stretch is copied when it is needed, so that they are not all held at once; false by default. */
  readonly inTurn?: boolean;
}

/** Consecutive stretches of the given lengths along an axis; they must fill it. */
export const split = (x: Tensor, { axis, lengths, inTurn = false }: SplitOptions): readonly Tensor[] =>
  lengths.length === 1 && x.shape.at(axis) === lengths[0]
    ? [x]
    : applyAll(splitOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length), lengths, inTurn }));

export const splitOp: DifferentiableOp<SplitAttributes> = {
  name: 'Split',
  infer: ([x], { axis, lengths }) => {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (x.shape[axis] !== total) throw misfit(`lengths add to ${total}, axis ${axis} has ${x.shape[axis]}`);
    return lengths.map((length) => ({ dtype: x.dtype, shape: x.shape.with(axis, length) }));
  },
  emit: ({ onnx, inputs, outputs, attributes: { axis, lengths, inTurn } }) => {
    if (inTurn) {
      let start = 0;
      outputs.forEach((output, i) => {
        const bounds = [start, start + lengths[i], axis].map((value) => onnx.integers([value]));
        start += lengths[i];
        if (output) onnx.node('Slice', [inputs[0], ...bounds], [output]);
      });
      return;
    }
    const all = lengths.map((_, i) => outputs[i] || onnx.fresh('Split'));
    onnx.node('Split', [inputs[0], onnx.integers(lengths)], all, { attributes: { axis } });
  },
  // One concatenation, where slices would each pad their gradient to the whole and add it.
  gradient: ({ outputs, attributes: { axis }, outputGradients }) => [
    concat(
      outputs.map((output, i) => outputGradients[i] ?? expand(constantLike(0, output), output.shape)),
      axis,
    ),
  ],
  reference: ([x], { axis, lengths }) =>
    lengths.map((length, i) => {
      const start = lengths.slice(0, i).reduce((sum, earlier) => sum + earlier, 0);
      return sliceNd(x, axis, start, 1, x.shape.with(axis, length));
    }),
};
