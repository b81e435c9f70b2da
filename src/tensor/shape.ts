/** Shape rules that several ops share. */

import { type Dim, formatShape, type Shape } from './dimension.ts';
import type { DType } from './dtype.ts';
import { misfit, type Tensor, type TensorType } from './tensor.ts';

/** NumPy broadcasting. A symbolic size fits itself and 1; an unequal static size is refused rather than hoped for. */
export function broadcastShapes(...shapes: Shape[]): Dim[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let size: Dim = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === size) continue;
      if (size !== 1) throw misfit(`shapes ${shapes.map(formatShape).join(' and ')} do not broadcast`);
      size = own;
    }
    result.push(size);
  }
  return result;
}

/** Axis counted from the front; negative axes count from the back. */
export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw misfit(`axis ${axis} is out of range for rank ${rank}`);
  }
  return normalized;
}

export function requireSameDType(...tensors: Tensor[]): DType {
  for (const tensor of tensors) {
    if (tensor.dtype !== tensors[0].dtype) throw misfit(`dtypes differ; cast one of them`);
  }
  return tensors[0].dtype;
}

export function requireDType(tensor: TensorType, allowed: readonly DType[], what = 'input'): void {
  if (!allowed.includes(tensor.dtype)) throw misfit(`${what} must be ${allowed.join(' or ')}, not ${tensor.dtype}`);
}

export function requireRank(tensor: TensorType, rank: number, what = 'input'): void {
  if (tensor.shape.length !== rank) throw misfit(`${what} must have rank ${rank}, not ${tensor.shape.length}`);
}

/** A static size. @throws when it is symbolic: some ops need to know it when the graph is built. */
export function staticDim(dim: Dim, what: string): number {
  if (typeof dim !== 'number') throw misfit(`${what} must be known when the graph is built, not symbolic (${dim})`);
  return dim;
}

export const staticShape = (shape: Shape, what: string): number[] => shape.map((dim) => staticDim(dim, what));
