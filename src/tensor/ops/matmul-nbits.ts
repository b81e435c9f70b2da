/**
 * Matrix product with 4-bit weights that stay 4-bit in memory: ONNX Runtime's com.microsoft.MatMulNBits.
 * Activations are rounded to 8 bits per block inside the kernel (its accuracy level 4), which is what makes it fast.
 */

import { generate } from '../nd-array.ts';
import { requireDType, staticShape } from '../shape.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

/** Neighbouring inputs that share a scale. */
export const int4BlockSize = 32;

/**
 * x [..., K] times the transpose of (nibble - 8) * scale -> [..., N].
 * @param packed uint8 [N, K / 32, 16]: two nibbles a byte, the lower first, along K.
 * @param scales float32 [N, K / 32].
 */
export const matmulInt4 = (x: Tensor, packed: Tensor, scales: Tensor): Tensor =>
  apply(matmulNBitsOp, [x, packed, scales], null);

export const matmulNBitsOp: NonDifferentiableOp<null> = {
  name: 'MatMulNBits',
  infer: ([x, packed, scales]) => {
    requireDType(x, ['float32']);
    requireDType(packed, ['uint8'], 'the packed weight');
    const [outputs, blocks, bytes] = staticShape(packed.shape, 'the packed weight');
    if (bytes !== int4BlockSize / 2) throw misfit(`a block of the packed weight must have ${int4BlockSize / 2} bytes`);
    if (String(scales.shape) !== String([outputs, blocks])) throw misfit(`scales must be [${outputs}, ${blocks}]`);
    if (x.shape.at(-1) !== blocks * int4BlockSize) throw misfit(`x must end in ${blocks * int4BlockSize} channels`);
    return [{ dtype: x.dtype, shape: x.shape.with(-1, outputs) }];
  },
  emit: ({ onnx, inputs, outputs, inputTypes }) => {
    const [N, blocks] = inputTypes[1].shape as number[];
    const attributes = { K: blocks * int4BlockSize, N, bits: 4, block_size: int4BlockSize, accuracy_level: 4 };
    onnx.node('MatMulNBits', inputs, outputs, { domain: 'com.microsoft', attributes });
  },
  gradient: { whyNot: 'quantised weights are for inference' },
  reference: ([x, packed, scales], _, [{ shape }]) => {
    const inner = x.shape[x.shape.length - 1];
    const columns = packed.shape[0];
    return [
      generate(shape as number[], (_index, flat) => {
        const [row, column] = [Math.floor(flat / columns), flat % columns];
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          const position = column * inner + k;
          const byte = packed.data[position >> 1];
          const nibble = position % 2 === 0 ? byte & 15 : byte >> 4;
          sum += x.data[row * inner + k] * (nibble - 8) * scales.data[Math.floor(position / int4BlockSize)];
        }
        return sum;
      }),
    ];
  },
};
