/** Linear layers: matrix product with a weight laid out as in checkpoints, plus a bias, in one pass. */

import { isStatic, sizeOf } from '../dimension.ts';
import { generate } from '../nd-array.ts';
import { requireDType, requireRank, requireSameDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { matmul, weightGradient } from './matmul.ts';

/** x [..., K], weight [N, K], bias [N] -> [..., N]: x weight^T + bias. */
export const affine = (x: Tensor, weight: Tensor, bias: Tensor): Tensor => apply(affineOp, [x, weight, bias], null);

export const affineOp: DifferentiableOp<null> = {
  name: 'Affine',
  infer: ([x, weight, bias]) => {
    requireDType(x, anyFloat);
    requireRank(weight, 2, 'weight');
    requireRank(bias, 1, 'bias');
    if (x.shape.length < 2) throw misfit('x needs at least two axes');
    const [outputs, inputs] = weight.shape;
    if (x.shape.at(-1) !== inputs) throw misfit(`x must end in ${inputs} channels`);
    if (bias.shape[0] !== outputs) throw misfit(`bias must be [${outputs}]`);
    return [{ dtype: requireSameDType(x, weight, bias), shape: x.shape.with(-1, outputs) }];
  },
  emit: ({ onnx, inputs, outputs, inputTypes, outputTypes: [{ shape }] }) => {
    // Gemm starts its sums from the bias, which saves the pass of an Add, but knows two axes only. Where the way back
    // to more of them must be computed at run time, that costs what it saves.
    if (shape.filter((dim) => !isStatic(dim)).length > 1 && shape.length > 2) {
      const product = onnx.value('FusedMatMul', inputs.slice(0, 2), {
        domain: 'com.microsoft',
        attributes: { transB: 1 },
      });
      return onnx.node('Add', [product, inputs[2]], outputs);
    }
    const attributes = { transB: 1 };
    if (shape.length === 2) return onnx.node('Gemm', inputs, outputs, { attributes });
    const width = inputTypes[1].shape[1];
    const rows = onnx.value('Reshape', [inputs[0], onnx.sizes([sizeOf(shape.slice(0, -1)), width])], {
      attributes: { allowzero: 1 },
    });
    const product = onnx.value('Gemm', [rows, inputs[1], inputs[2]], { attributes });
    onnx.node('Reshape', [product, onnx.sizes(shape)], outputs, { attributes: { allowzero: 1 } });
  },
  gradient: ({ inputs: [x, weight], outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    return [matmul(dy, weight), weightGradient(dy, x), dy];
  },
  reference: ([x, weight, bias], _, [{ shape }]) => {
    const [outputs, inputs] = weight.shape;
    return [
      generate(shape as number[], (_index, flat) => {
        const [row, column] = [Math.floor(flat / outputs), flat % outputs];
        let sum = bias.data[column];
        for (let k = 0; k < inputs; k++) sum += x.data[row * inputs + k] * weight.data[column * inputs + k];
        return sum;
      }),
    ];
  },
};
