/**
 * Matrix product in 8-bit integers: weights stored so, activations rounded at run time, each row with its own scale.
 *
 * One scale per row, not per tensor as in ONNX Runtime's DynamicQuantizeMatMul: language models have single tokens with
 * activations a hundred times those of others, which would push all others into a few steps. It costs a fifth of the
 * speed.
 */

import { generate } from '../nd-array.ts';
import { requireDType, staticShape } from '../shape.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';

/**
 * Signed activations are shifted to unsigned bytes, the form that every kernel of ONNX Runtime has a fast path for. On
 * processors where unsigned by signed bytes saturate, `runtime/session.ts` lets ONNX Runtime shift the weights as well.
 */
const zeroPoint = 128;
const largest = 127;

/** Keeps a row of zeros from dividing by zero. */
const smallestScale = 1e-12;

/**
 * x [..., K] times weight -> [..., N], where weight = integers * scales.
 * @param weight int8 [K, N], within -127..127; a parameter or a constant, so that sessions can store it as the
 *   processor needs it.
 * @param scales float32 [N], one per output.
 */
export const dynamicQuantizedMatmul = (x: Tensor, weight: Tensor, scales: Tensor): Tensor =>
  apply(dynamicQuantizedMatmulOp, [x, weight, scales], null);

export const dynamicQuantizedMatmulOp: NonDifferentiableOp<null> = {
  name: 'DynamicQuantizedMatMul',
  infer: ([x, weight, scales]) => {
    requireDType(x, ['float32']);
    requireDType(weight, ['int8'], 'the weight');
    if (!['Parameter', 'Constant'].includes(weight.node.op.name))
      throw misfit('the weight must be a parameter or constant');
    const [inner, outputs] = staticShape(weight.shape, 'the weight');
    if (x.shape.at(-1) !== inner) throw misfit(`x must end in ${inner} channels`);
    if (String(scales.shape) !== String([outputs])) throw misfit(`scales must be [${outputs}]`);
    return [{ dtype: x.dtype, shape: x.shape.with(-1, outputs) }];
  },
  emit: ({ onnx, inputs: [x, weight, scales], outputs }) => {
    const float = (value: number) => onnx.scalar('float32', value);
    const top = onnx.value('ReduceMax', [onnx.value('Abs', [x]), onnx.integers([-1])]);
    const step = onnx.value('Max', [onnx.value('Mul', [top, float(1 / largest)]), float(smallestScale)]);
    const shifted = onnx.value('Add', [onnx.value('Div', [x, step]), float(zeroPoint)]);
    const bytes = onnx.value('Cast', [onnx.value('Round', [shifted])], { attributes: { to: uint8Type } });
    const product = onnx.value('MatMulInteger', [bytes, weight, onnx.scalar('uint8', zeroPoint)]);
    const sums = onnx.value('Cast', [product], { attributes: { to: float32Type } });
    onnx.node('Mul', [onnx.value('Mul', [sums, scales]), step], outputs);
  },
  gradient: { whyNot: 'quantised weights are for inference' },
  // Without the rounding of activations, so that a test sees how much that costs.
  reference: ([x, weight, scales], _, [{ shape }]) => {
    const [inner, columns] = weight.shape;
    return [
      generate(shape as number[], (_index, flat) => {
        const [row, column] = [Math.floor(flat / columns), flat % columns];
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += x.data[row * inner + k] * weight.data[k * columns + column];
        return sum * scales.data[column];
      }),
    ];
  },
};

const uint8Type = 2;
const float32Type = 1;
