/**
 * Linear layers whose weights are stored as integers. A layer `X` has, instead of `X.weight` [outputs, inputs]:
 *
 *     int8   X.weight_q8      int8    [inputs, outputs]           -127..127, transposed: the layout of the kernel
 *            X.weight_scales  float32 [outputs]                   weight = integer * scale
 *     int4   X.weight_q4      uint8   [outputs, inputs / 32, 16]  two nibbles a byte, the lower first
 *            X.weight_scales  float32 [outputs, inputs / 32]      weight = (nibble - 8) * scale
 *
 * Biases stay float. A layer whose inputs are no multiple of 32 is int8 where int4 was asked for.
 */

import { dynamicQuantizedMatmul } from '../tensor/ops/dynamic-quantized-matmul.ts';
import { int4BlockSize, matmulInt4 } from '../tensor/ops/matmul-nbits.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

/** x [..., inputs] -> [..., outputs], without bias. */
export function quantizedProduct(scope: Scope, inputs: number, outputs: number): (x: Tensor) => Tensor {
  if (scope.linearFormat === 'int4' && inputs % int4BlockSize === 0) {
    const blocks = inputs / int4BlockSize;
    const packed = scope.parameter('weight_q4', [outputs, blocks, int4BlockSize / 2], { kind: 'zeros' }, 'uint8');
    const scales = scope.parameter('weight_scales', [outputs, blocks]);
    return (x) => matmulInt4(x, packed, scales);
  }
  const weight = scope.parameter('weight_q8', [inputs, outputs], { kind: 'zeros' }, 'int8');
  const scales = scope.parameter('weight_scales', [outputs]);
  return (x) => dynamicQuantizedMatmul(x, weight, scales);
}
