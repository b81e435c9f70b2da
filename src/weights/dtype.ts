/**
 * Element types that weight files hold, with their size and the typed array that carries their raw bits.
 * JavaScript on Node 20 has no 16-bit floats, so float16 and bfloat16 travel as their bits in a Uint16Array.
 * Like safetensors and PyTorch's little-endian archives, everything here assumes a little-endian machine.
 */

const layouts = {
  float64: { sizeBytes: 8, array: Float64Array },
  float32: { sizeBytes: 4, array: Float32Array },
  float16: { sizeBytes: 2, array: Uint16Array },
  bfloat16: { sizeBytes: 2, array: Uint16Array },
  int64: { sizeBytes: 8, array: BigInt64Array },
  int32: { sizeBytes: 4, array: Int32Array },
  int16: { sizeBytes: 2, array: Int16Array },
  int8: { sizeBytes: 1, array: Int8Array },
  uint64: { sizeBytes: 8, array: BigUint64Array },
  uint32: { sizeBytes: 4, array: Uint32Array },
  uint16: { sizeBytes: 2, array: Uint16Array },
  uint8: { sizeBytes: 1, array: Uint8Array },
  bool: { sizeBytes: 1, array: Uint8Array },
} as const;

/** Element type of a stored tensor. */
export type WeightDtype = keyof typeof layouts;

/** Raw values of a tensor: bits for float16 and bfloat16, zero or one for bool. */
export type TensorValues = InstanceType<(typeof layouts)[WeightDtype]['array']>;

/** Every element type, in the order of the table above. */
export const weightDtypes = Object.keys(layouts) as readonly WeightDtype[];

/** Bytes of one element. */
export function itemSizeBytes(dtype: WeightDtype): number {
  return layouts[dtype].sizeBytes;
}

/**
 * Number of elements of a shape. Past 2^53 the product is rounded but never falls below 2^53, so comparing it with a
 * size of a real file cannot succeed by accident.
 */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/** Bytes that a tensor's values take. */
export function tensorBytes(tensor: { readonly dtype: WeightDtype; readonly shape: readonly number[] }): number {
  return elementCount(tensor.shape) * itemSizeBytes(tensor.dtype);
}

/**
 * The typed array of `dtype` over freshly read bytes, without copying.
 *
 * @param bytes start at offset 0 of their own buffer, a whole number of elements long
 */
export function viewValues(bytes: Uint8Array<ArrayBuffer>, dtype: WeightDtype): TensorValues {
  const { array, sizeBytes } = layouts[dtype];
  return new array(bytes.buffer, bytes.byteOffset, bytes.byteLength / sizeBytes);
}

/** The bytes under a typed array, without copying. */
export function viewBytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Text for messages: `float32 [2, 3]`. */
export function describeTensor(tensor: { readonly dtype: WeightDtype; readonly shape: readonly number[] }): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`;
}
