/** Transposed convolution: the gradient of a convolution with respect to its input, as an upsampling layer. */

import { addDims, divideDims, multiplyDims } from '../dimension.ts';
import { generate, type NdArray, ndArray } from '../nd-array.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { conv } from './conv.ts';
import {
  type ConvAttributes,
  type ConvOptions,
  convAttributes,
  convBiasGradient,
  convTransposeSize,
  convWeightGradient,
  requireConvInputs,
} from './convolution.ts';

export interface ConvTransposeAttributes extends ConvAttributes {
  /** Rows and columns added behind the bottom and the right, which the kernel may or may not reach. */
  readonly outputPadding: readonly [number, number];
}

/** x [N, Ci, H, W], weight [Ci, Co / groups, kh, kw], bias [Co] -> [N, Co, Ho, Wo], as nn.ConvTranspose2d. */
export const convTranspose = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions & { outputPadding?: readonly [number, number] } = {},
): Tensor => {
  const attributes = { ...convAttributes(options), outputPadding: options.outputPadding ?? ([0, 0] as const) };
  return apply(convTransposeOp, bias ? [x, weight, bias] : [x, weight], attributes);
};

export const convTransposeOp: DifferentiableOp<ConvTransposeAttributes> = {
  name: 'ConvTranspose',
  infer: ([x, weight, bias], attributes) => {
    const { groups, outputPadding } = attributes;
    const [channels, channelsPerGroup] = weight.shape;
    const outChannels = multiplyDims(channelsPerGroup, groups);
    const [kh, kw] = requireConvInputs(x, weight, bias ?? null, outChannels);
    if (x.shape[1] !== channels || divideDims(channels, groups) === undefined) {
      throw misfit(`${x.shape[1]} channels in ${groups} groups do not fit the weight`);
    }
    const height = addDims(convTransposeSize(x.shape[2], kh, attributes, 0), outputPadding[0]);
    const width = addDims(convTransposeSize(x.shape[3], kw, attributes, 1), outputPadding[1]);
    return [{ dtype: x.dtype, shape: [x.shape[0], outChannels, height, width] }];
  },
  emit: ({ onnx, inputs, outputs, inputTypes, attributes }) => {
    const { strides, pads, dilations, groups, outputPadding } = attributes;
    const kernel = inputTypes[1].shape.slice(2) as number[];
    const sizes = { strides, pads, dilations, output_padding: outputPadding, kernel_shape: kernel };
    onnx.node('ConvTranspose', inputs, outputs, { attributes: { ...sizes, group: groups } });
  },
  gradient: ({ inputs: [x, weight, bias], attributes, outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const { outputPadding: _, ...attributesOfConv } = attributes;
    const dx = conv(dy, weight, null, attributesOfConv);
    const dw = convWeightGradient(dy, x, weight.shape, attributesOfConv);
    return [dx, dw, bias ? convBiasGradient(dy) : null].slice(0, bias ? 3 : 2);
  },
  reference: ([x, weight, bias], attributes, [{ shape }]) => [
    convTransposeNd(x, weight, bias, attributes, shape as number[]),
  ],
};

function convTransposeNd(
  x: NdArray,
  weight: NdArray,
  bias: NdArray | undefined,
  { strides, pads, dilations, groups }: ConvTransposeAttributes,
  shape: number[],
): NdArray {
  const result = ndArray(shape);
  const [, outChannels, height, width] = shape;
  const [channels, channelsPerGroup, kh, kw] = weight.shape;
  generate(x.shape, ([n, c, row, column], flat) => {
    const firstChannel = Math.floor(c / (channels / groups)) * channelsPerGroup;
    for (let o = 0; o < channelsPerGroup; o++) {
      for (let i = 0; i < kh; i++) {
        const y = row * strides[0] + i * dilations[0] - pads[0];
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < kw; j++) {
          const z = column * strides[1] + j * dilations[1] - pads[1];
          if (z < 0 || z >= width) continue;
          const target = ((n * outChannels + firstChannel + o) * height + y) * width + z;
          result.data[target] += x.data[flat] * weight.data[((c * channelsPerGroup + o) * kh + i) * kw + j];
        }
      }
    }
    return 0;
  });
  if (!bias) return result;
  return generate(shape, (index, flat) => result.data[flat] + bias.data[index[1]]);
}
