/** Elements in another dtype. */

import { type DType, isFloat, isInteger } from '../dtype.ts';
import { mapNd } from '../nd-array.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

export interface CastAttributes {
  readonly dtype: DType;
}

/** Floats become integers by truncation, anything becomes bool by comparison with zero. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(castOp, [x], { dtype });
}

const onnxTypes: Record<DType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 };

export const castOp: DifferentiableOp<CastAttributes> = {
  name: 'Cast',
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  emit: ({ onnx, inputs, outputs, attributes: { dtype } }) =>
    onnx.node('Cast', inputs, outputs, { attributes: { to: onnxTypes[dtype] } }),
  gradient: ({ inputs: [x], attributes: { dtype }, outputGradients: [dy] }) => [
    isFloat(x.dtype) && isFloat(dtype) ? cast(dy as Tensor, x.dtype) : null,
  ],
  reference: ([x], { dtype }) => [
    mapNd(x, (value) => (dtype === 'bool' ? Number(value !== 0) : isInteger(dtype) ? Math.trunc(value) : value)),
  ],
};
