/** The same elements in row-major order under another shape. */

import {
  type Dim,
  divideDims,
  formatShape,
  isStatic,
  multiplyDims,
  type Shape,
  sameShape,
  sizeOf,
} from '../dimension.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

export interface ReshapeAttributes {
  readonly shape: Shape;
}

/** @param shape one size may be -1: whatever makes the number of elements fit. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeOp, [x], { shape });
}

export const reshapeOp: DifferentiableOp<ReshapeAttributes> = {
  name: 'Reshape',
  infer: ([x], { shape }) => [{ dtype: x.dtype, shape: complete(x.shape, shape) }],
  emit: ({ onnx, inputs, outputs, outputTypes: [{ shape }] }) => {
    // One size that is only known at run time is left for the runtime to infer.
    const symbolic = shape.filter((dim) => !isStatic(dim)).length;
    const target = symbolic === 1 && !shape.includes(0) ? shape.map((dim) => (isStatic(dim) ? dim : -1)) : shape;
    onnx.node('Reshape', [inputs[0], onnx.sizes(target)], outputs, { attributes: { allowzero: 1 } });
  },
  gradient: ({ inputs: [x], outputGradients: [dy] }) => [reshape(dy as Tensor, x.shape)],
  reference: ([x], _, [{ shape }]) => [{ shape: concreteShape(shape, x.data.length), data: x.data }],
};

function complete(from: Shape, to: Shape): Dim[] {
  const total = sizeOf(from);
  const known = to.filter((dim) => dim !== -1).reduce<Dim>(multiplyDims, 1);
  if (known === sizeOf(to)) {
    if (known !== total) throw misfit(`cannot reshape to ${formatShape(to)}: ${known} elements, not ${total}`);
    return [...to];
  }
  const rest = divideDims(total, known);
  if (rest === undefined || to.filter((dim) => dim === -1).length !== 1) {
    throw misfit(`cannot reshape to ${formatShape(to)}: ${total} elements are not a multiple of ${known}`);
  }
  return to.map((dim) => (dim === -1 ? rest : dim));
}

function concreteShape(shape: Shape, size: number): number[] {
  if (shape.every(isStatic)) return shape as number[];
  const known = shape.filter(isStatic).reduce((product, dim) => product * dim, 1);
  return shape.map((dim) => (isStatic(dim) ? dim : size / known));
}
