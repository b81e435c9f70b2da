/** Lays out a strided view of a storage in row-major order. */

import { elementCount, itemSizeBytes } from './dtype.ts';
import type { TorchTensor } from './torch-pickle.ts';

/** Elements between the first and the last that a view touches, both included; the view must not be empty. */
export function spanElements({ shape, strides }: TorchTensor): number {
  return shape.reduce((span, size, axis) => span + (size - 1) * strides[axis], 1);
}

/**
 * Copies the elements of a view into row-major order.
 *
 * @param span bytes of the storage from the view's first element to its last
 */
export function gatherStrided(span: Uint8Array<ArrayBuffer>, tensor: TorchTensor): Uint8Array<ArrayBuffer> {
  const { shape, strides } = tensor;
  const itemBytes = itemSizeBytes(tensor.dtype);
  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[itemBytes]!;
  const source = new Words(span.buffer);
  const target = new Words(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  const lastAxis = shape.length - 1;
  let position = 0;
  for (let done = 0; done < target.length; done += shape[lastAxis]) {
    for (let i = 0; i < shape[lastAxis]; i++) target[done + i] = source[position + i * strides[lastAxis]];
    // Count up the outer axes like the digits of a number, the position with them.
    for (let axis = lastAxis - 1; axis >= 0; axis--) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return new Uint8Array(target.buffer);
}
