/** Values known when the graph is built. */

import type { Shape } from '../dimension.ts';
import { allocate, type DType, type TensorData } from '../dtype.ts';
import { elementCount, ndArray } from '../nd-array.ts';
import type { NonDifferentiableOp } from '../op.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

interface ConstantAttributes {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/**
 * A constant tensor. `values` are plain numbers of any dtype but float16.
 * @throws ChatRexError when the number of values does not fit the shape.
 */
export function constant(dtype: DType, shape: readonly number[], values: ArrayLike<number> | TensorData): Tensor {
  const data = toData(dtype, values);
  return apply(constantOp, [], { dtype, shape, data });
}

/** A scalar of the dtype of `like` (float32 without it). */
export const constantLike = (value: number, like?: Tensor): Tensor => constant(like?.dtype ?? 'float32', [], [value]);

/** Every element `value`. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  const data = allocate(dtype, elementCount(shape));
  if (value !== 0) data.fill((dtype === 'int64' ? BigInt(value) : value) as never);
  return constant(dtype, shape, data);
}

function toData(dtype: DType, values: ArrayLike<number> | TensorData): TensorData {
  const target = allocate(dtype, 0);
  if (values instanceof Object && values.constructor === target.constructor) return values as TensorData;
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    data[i] = dtype === 'int64' ? BigInt(values[i]) : dtype === 'float16' ? toHalf(Number(values[i])) : values[i];
  }
  return data;
}

/** Bits of the nearest float16 of a number of moderate size: all that constants in a graph need. */
function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude || 2 ** -24)), -14);
  const rounded = roundHalfToEven(magnitude / 2 ** (exponent - 10));
  return sign | (((exponent + 14) << 10) + rounded);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
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

function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction
        ? Number.NaN
        : Number.POSITIVE_INFINITY
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}
