/** Two-dimensional convolution (cross-correlation, as everywhere in deep learning). */

import { type Dim, divideDims, multiplyDims, sizeOf, subtractDims } from '../dimension.ts';
import { generate, type NdArray } from '../nd-array.ts';
import { staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { convTranspose } from './conv-transpose.ts';
import {
  type ConvAttributes,
  type ConvOptions,
  columnsToTiles,
  convAttributes,
  convBiasGradient,
  convSize,
  convTransposeSize,
  convWeightGradient,
  isPatchify,
  requireConvInputs,
} from './convolution.ts';
import { matmul } from './matmul.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { transpose } from './transpose.ts';

/**
 * x [N, groups * Ci, H, W], weight [Co, Ci, kh, kw], bias [Co] -> [N, Co, Ho, Wo]. Strides and dilations are 1, pads 0,
 * groups 1 unless given. A symbolic H or W needs a stride that divides it.
 */
export const conv = (x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions = {}): Tensor =>
  apply(convOp, bias ? [x, weight, bias] : [x, weight], convAttributes(options));

export const convOp: DifferentiableOp<ConvAttributes> = {
  name: 'Conv',
  infer: ([x, weight, bias], attributes) => {
    const [outChannels, channels] = weight.shape;
    const [kh, kw] = requireConvInputs(x, weight, bias ?? null, outChannels);
    const { groups } = attributes;
    if (x.shape[1] !== multiplyDims(channels, groups) || divideDims(outChannels, groups) === undefined) {
      throw misfit(`${x.shape[1]} channels in ${groups} groups do not fit the weight`);
    }
    const [n, , height, width] = x.shape;
    const shape = [n, outChannels, convSize(height, kh, attributes, 0), convSize(width, kw, attributes, 1)];
    return [{ dtype: x.dtype, shape }];
  },
  emit: ({ onnx, inputs, outputs, inputTypes, attributes: { strides, pads, dilations, groups } }) => {
    const kernel = inputTypes[1].shape.slice(2) as number[];
    const attributes = { strides, pads, dilations, group: groups, kernel_shape: kernel };
    onnx.node('Conv', inputs, outputs, { attributes });
  },
  gradient: ({ inputs: [x, weight, bias], attributes, outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const dw = convWeightGradient(x, dy, weight.shape, attributes);
    return [inputGradient(x, weight, dy, attributes), dw, bias ? convBiasGradient(dy) : null].slice(0, bias ? 3 : 2);
  },
  reference: ([x, weight, bias], attributes, [{ shape }]) => [convNd(x, weight, bias, attributes, shape as number[])],
};

function inputGradient(x: Tensor, weight: Tensor, dy: Tensor, attributes: ConvAttributes): Tensor {
  const [outChannels, channels, kh, kw] = weight.shape as number[];
  if (isPatchify(x.shape, [kh, kw], attributes)) {
    const rows = reshape(dy, [dy.shape[0], outChannels, sizeOf(dy.shape.slice(2))]);
    const columns = matmul(reshape(weight, [outChannels, multiplyDims(channels, kh * kw)]), rows, { transposeA: true });
    return columnsToTiles(columns, [kh, kw], x.shape);
  }
  if (attributes.strides.every((stride) => stride === 1)) return convOfFlipped(weight, dy, attributes);
  // Rows and columns of x behind the last place of the kernel got no gradient: the output padding.
  const rest = (i: 0 | 1): number => {
    const reached: Dim = convTransposeSize(dy.shape[i + 2], [kh, kw][i], attributes, i);
    return staticDim(subtractDims(x.shape[i + 2], reached), 'the part of x that the kernel does not reach');
  };
  return convTranspose(dy, weight, null, { ...attributes, outputPadding: [rest(0), rest(1)] });
}

/**
 * The transposed convolution as a convolution, which runs up to twice as fast: the kernel mirrored, channels exchanged.
 */
function convOfFlipped(weight: Tensor, dy: Tensor, { pads, dilations, groups, strides }: ConvAttributes): Tensor {
  const [outChannels, channels, kh, kw] = weight.shape as number[];
  const mirrored = slice(slice(weight, { axis: 2, step: -1 }), { axis: 3, step: -1 });
  // [g, Co, Ci, kh, kw] -> [g * Ci, Co, kh, kw]
  const perGroup = transpose(reshape(mirrored, [groups, outChannels / groups, channels, kh, kw]), [0, 2, 1, 3, 4]);
  const exchanged = reshape(perGroup, [groups * channels, outChannels / groups, kh, kw]);
  const [down, across] = [dilations[0] * (kh - 1), dilations[1] * (kw - 1)];
  const [top, left, bottom, right] = pads;
  return conv(dy, exchanged, null, {
    strides,
    dilations,
    groups,
    pads: [down - top, across - left, down - bottom, across - right],
  });
}

function convNd(
  x: NdArray,
  weight: NdArray,
  bias: NdArray | undefined,
  { strides, pads, dilations, groups }: ConvAttributes,
  shape: number[],
): NdArray {
  const [, allChannels, height, width] = x.shape;
  const [outChannels, channels, kh, kw] = weight.shape;
  return generate(shape, ([n, o, row, column]) => {
    const firstChannel = Math.floor(o / (outChannels / groups)) * channels;
    let sum = bias?.data[o] ?? 0;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < kh; i++) {
        const y = row * strides[0] + i * dilations[0] - pads[0];
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < kw; j++) {
          const z = column * strides[1] + j * dilations[1] - pads[1];
          if (z < 0 || z >= width) continue;
          const value = x.data[((n * allChannels + firstChannel + c) * height + y) * width + z];
          sum += value * weight.data[((o * channels + c) * kh + i) * kw + j];
        }
      }
    }
    return sum;
  });
}
