/** Repetition along axes of size one. */

import { formatShape, type Shape, sameShape } from '../dimension.ts';
import { at, generate } from '../nd-array.ts';
import { broadcastShapes } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

export interface ExpandAttributes {
  readonly shape: Shape;
}

/** x broadcast to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(expandOp, [x], { shape });
}

export const expandOp: DifferentiableOp<ExpandAttributes> = {
  name: 'Expand',
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x.shape, shape), shape)) throw misfit(`does not broadcast to ${formatShape(shape)}`);
    return [{ dtype: x.dtype, shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { shape } }) =>
    onnx.node('Expand', [inputs[0], onnx.sizes(shape)], outputs),
  gradient: ({ outputGradients: [dy] }) => [dy],
  reference: ([x], _, [{ shape }]) => [generate(shape as number[], (index) => at(x, index))],
};
