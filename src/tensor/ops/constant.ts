/** Values known when the graph is built. */

import type { Shape } from '../dimension.ts';
import { allocate, type DType, type TensorData, toTypedArray } from '../dtype.ts';
import { fromHalf } from '../float16.ts';
import { elementCount, ndArray } from '../nd-array.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

export interface ConstantAttributes {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/**
 * A constant tensor. `values` are plain numbers or the typed array of the dtype.
 * @throws ChatRexError when the number of values does not fit the shape.
 */
export function constant(dtype: DType, shape: readonly number[], values: ArrayLike<number> | TensorData): Tensor {
  const data = toTypedArray(dtype, values);
  return apply(constantOp, [], { dtype, shape, data });
}

/** A scalar of the dtype of `like` (float32 without it). */
export const constantLike = (value: number, like?: Tensor): Tensor => constant(like?.dtype ?? 'float32', [], [value]);

/** Every element `value`. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  const data = allocate(dtype, elementCount(shape));
  if (value !== 0) data.fill(toTypedArray(dtype, [value])[0] as never);
  return constant(dtype, shape, data);
}

export const constantOp: NonDifferentiableOp<ConstantAttributes> = {
  name: 'Constant',
  infer: (_, { dtype, shape, data }) => {
    if (data.length !== elementCount(shape)) {
      throw misfit(`${data.length} values do not fill shape [${shape.join(', ')}]`);
    }
    return [{ dtype, shape: shape as Shape }];
  },
  emit: ({ onnx, outputs, attributes: { dtype, shape, data } }) =>
    onnx.alias(outputs[0], onnx.constant(dtype, shape, data)),
  gradient: { whyNot: 'a constant has no inputs' },
  reference: (_, { dtype, shape, data }) => [
    ndArray(shape, dtype === 'float16' ? Array.from(data as Uint16Array, fromHalf) : Array.from(data, Number)),
  ],
};
