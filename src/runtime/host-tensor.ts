/** Tensors in this process's memory: what is fed to a session and what comes back. */

import { ChatRexError } from '../errors.ts';
import { allocate, type DType, type DTypeArrays } from '../tensor/dtype.ts';

export interface HostTensor<T extends DType = DType> {
  readonly dtype: T;
  readonly shape: readonly number[];
  readonly data: DTypeArrays[T];
}

/**
 * A tensor around existing data, or zeros without it. Plain numbers are converted; typed arrays are not copied.
 * @throws ChatRexError when the number of values does not fit the shape.
 * @example hostTensor('float32', [2, 2], [1, 2, 3, 4]);
 */
export function hostTensor<T extends DType>(
  dtype: T,
  shape: readonly number[],
  values?: DTypeArrays[T] | readonly number[],
): HostTensor<T> {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (values === undefined) return { dtype, shape, data: allocate(dtype, size) };
  if (values.length !== size) {
    throw new ChatRexError(
      'invalid-shape',
      `${values.length} values do not fill a ${dtype} tensor [${shape.join(', ')}]`,
    );
  }
  if (!Array.isArray(values)) return { dtype, shape, data: values as DTypeArrays[T] };
  const data = allocate(dtype, size);
  values.forEach((value, i) => {
    data[i] = dtype === 'int64' ? BigInt(value) : value;
  });
  return { dtype, shape, data };
}
