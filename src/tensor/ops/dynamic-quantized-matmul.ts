/**
 * Matrix product in 8-bit integers: weights stored so, activations rounded at run time, each row with its own scale.
 *
 * One scale per row, not per tensor as in ONNX Runtime's DynamicQuantizeMatMul: language models have single tokens with
 * activations a hundred times those of others, which would push all others into a few steps. It costs a tenth of the
 * speed.
 */

import { isStatic, sizeOf } from '../dimension.ts';
import { generate } from '../nd-array.ts';
import { requireDType, staticShape } from '../shape.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { biasGeluOp, geluOp, lowestGelu } from './gelu.ts';
import { reluOp } from './relu.ts';

/**
 * Signed activations are shifted to unsigned bytes, the form that every kernel of ONNX Runtime has a fast path for. On
 * processors where unsigned by signed bytes saturate, `runtime/session.ts` lets ONNX Runtime shift the weights as well.
 */
const zeroPoint = 128;
const largest = 127;
const largestUnsigned = 255;
/** How many of the 256 bytes are for the negative numbers that a GELU gives, however large its positive ones are. */
const geluZeroPoint = 32;

/** Keeps a row of zeros from dividing by zero. */
const smallestTop = 1e-10;

export interface ProductAttributes {
  /**
   * Below what no activation is, where that is known: it needs no half of the bytes for negative numbers. With 0,
   * negative activations count as zero, as bytes without a shift have it for nothing.
   */
  readonly lowest: number | null;
}

/**
 * x [..., K] times weight -> [..., N], where weight = integers * scales.
 * @param x when it is what a ReLU gives, the ReLU becomes part of the rounding, which is then twice as fine; of what a
 *   GELU gives it is nearly so
 * @param weight int8 [K, N], within -127..127; a parameter or a constant, so that sessions can store it as the
 *   processor needs it.
 * @param scales float32 [N], one per output.
 */
export function dynamicQuantizedMatmul(x: Tensor, weight: Tensor, scales: Tensor): Tensor {
  const { op, inputs } = x.node;
  if (op.name === reluOp.name)
    return apply(dynamicQuantizedMatmulOp, [inputs[0] as Tensor, weight, scales], { lowest: 0 });
  const isGelu = op.name === geluOp.name || op.name === biasGeluOp.name;
  return apply(dynamicQuantizedMatmulOp, [x, weight, scales], { lowest: isGelu ? lowestGelu : null });
}

export const dynamicQuantizedMatmulOp: NonDifferentiableOp<ProductAttributes> = {
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
  emit: ({ onnx, inputs: [x, weight, scales], outputs, inputTypes, outputTypes: [{ shape }], attributes }) => {
    const { lowest } = attributes;
    const float = (value: number) => onnx.scalar('float32', value);
    const width = inputTypes[1].shape[0];
    // Rounding by rows knows one axis of rows. Behind axes of size 1 it is there already; else the input is laid flat.
    // Every node spared counts: large networks have thousands of products.
    const lead = shape.slice(0, -1);
    const rowAxis = lead.findIndex((dim, axis) => dim !== 1 || axis === lead.length - 1);
    const isFlat = rowAxis === lead.length - 1;
    const rows = isFlat
      ? x
      : onnx.value('Reshape', [x, onnx.sizes([sizeOf(lead), width])], { attributes: { allowzero: 1 } });
    const rowDim = isFlat ? lead[rowAxis] : sizeOf(lead);
    const axes = onnx.integers(isFlat ? [...shape.keys()].filter((axis) => axis !== rowAxis) : [1]);
    const bounds = { attributes: { keepdims: 0 } };
    const zero = lowest === null ? zeroPoint : lowest === 0 ? 0 : geluZeroPoint;
    const above = lowest === null ? largest : largestUnsigned - zero;
    // Two passes that read are quicker than Abs, which writes as well.
    const ends = [onnx.value('ReduceMax', [rows, axes], bounds)];
    if (lowest === null) ends.push(onnx.value('Neg', [onnx.value('ReduceMin', [rows, axes], bounds)]));
    const top = onnx.value('Max', [...ends, float(lowest ? (-lowest / zero) * above : smallestTop)]);
    const step = onnx.value('Mul', [top, float(1 / above)]);
    const middle = onnx.scalar('uint8', zero);
    const middles = isStatic(rowDim)
      ? onnx.once(`middles ${zero} ${rowDim}`, () =>
          onnx.constant('uint8', [rowDim], new Uint8Array(rowDim).fill(zero)),
        )
      : onnx.value('Expand', [middle, onnx.value('Shape', [step])]);
    const bytes = onnx.value('QuantizeLinear', [rows, step, middles], { attributes: { axis: isFlat ? rowAxis : 0 } });
    const product = onnx.value('MatMulIntegerToFloat', [bytes, weight, float(1), scales, middle], {
      domain: 'com.microsoft',
    });
    const steps = onnx.value('Unsqueeze', [step, onnx.integers([-1])]);
    if (isFlat) return onnx.node('Mul', [product, steps], outputs);
    onnx.node('Reshape', [onnx.value('Mul', [product, steps]), onnx.sizes(shape)], outputs, {
      attributes: { allowzero: 1 },
    });
  },
  gradient: { whyNot: 'quantised weights are for inference' },
  // Without the rounding of activations, so that a test sees how much that costs.
  reference: ([x, weight, scales], { lowest }, [{ shape }]) => {
    const [inner, columns] = weight.shape;
    return [
      generate(shape as number[], (_index, flat) => {
        const [row, column] = [Math.floor(flat / columns), flat % columns];
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          const value = x.data[row * inner + k];
          sum += (lowest === 0 ? Math.max(0, value) : value) * weight.data[k * columns + column];
        }
        return sum * scales.data[column];
      }),
    ];
  },
};
