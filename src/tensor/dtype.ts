/** Element types of tensors, and the typed arrays that hold them in this process. */

import { toHalf } from './float16.ts';

export type DType = 'float32' | 'float16' | 'int8' | 'uint8' | 'int32' | 'int64' | 'bool';

/** The array behind a tensor of a dtype: float16 as its bits, bool as 0 or 1, int64 as BigInt. */
export interface DTypeArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}

export type TensorData = DTypeArrays[DType];

const arrayConstructors = {
  float32: Float32Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** Zero-filled storage for `size` elements. */
export function allocate<T extends DType>(dtype: T, size: number): DTypeArrays[T] {
  return new arrayConstructors[dtype](size) as DTypeArrays[T];
}

/** Numbers as the typed array of `dtype`, converted; such an array itself is returned as it is. */
export function toTypedArray(dtype: DType, values: ArrayLike<number> | TensorData): TensorData {
  if (values instanceof arrayConstructors[dtype]) return values;
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    data[i] = dtype === 'int64' ? BigInt(values[i]) : dtype === 'float16' ? toHalf(Number(values[i])) : values[i];
  }
  return data;
}

export const byteSize = (dtype: DType): number => arrayConstructors[dtype].BYTES_PER_ELEMENT;

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float16';

export const isInteger = (dtype: DType): boolean => !isFloat(dtype) && dtype !== 'bool';
