/**
 * Depthwise convolution of maps whose channels come last: every channel has a kernel of its own, and maps keep their
 * size.
 */

import { generate, type NdArray } from '../nd-array.ts';
import type { OnnxWriter } from '../onnx-writer.ts';
import { requireDType, requireRank, requireSameDType, staticDim } from '../shape.ts';
import type { DifferentiableOp, Tensor, TensorType } from '../tensor.ts';
import { apply, misfit } from '../tensor.ts';
import { depthwiseWeightGradient } from './depthwise-weight-gradient.ts';
import { anyFloat } from './elementwise.ts';
import { slice } from './slice.ts';

/**
 * x [N, H, W, C], weight [C, 1, kh, kw] with odd sides, bias [C] -> [N, H, W, C]. Outside of the maps there are zeros.
 */
export const depthwiseConv = (x: Tensor, weight: Tensor, bias: Tensor | null): Tensor =>
  apply(depthwiseConvOp, bias ? [x, weight, bias] : [x, weight], null);

export const depthwiseConvOp: DifferentiableOp<null> = {
  name: 'DepthwiseConv',
  infer: ([x, weight, bias]) => {
    requireDType(x, anyFloat);
    requireRank(x, 4);
    requireRank(weight, 4, 'weight');
    const channels = staticDim(x.shape[3], 'the number of channels');
    const [outputs, one, kh, kw] = weight.shape.map((dim) => staticDim(dim, 'a size of the weight'));
    if (outputs !== channels || one !== 1 || kh % 2 === 0 || kw % 2 === 0) {
      throw misfit(`weight must be [${channels}, 1, odd, odd]`);
    }
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== channels)) throw misfit(`bias must be [${channels}]`);
    return [{ dtype: requireSameDType(x, weight), shape: x.shape }];
  },
  emit: ({ onnx, inputs: [x, weight, bias], outputs, inputTypes }) => {
    const [, , kh, kw] = inputTypes[1].shape as number[];
    const channels = inputTypes[0].shape[3] as number;
    const attributes = { kernel_shape: [kh, kw], pads: samePads(kh, kw), group: channels };
    const others = bias === undefined ? [] : [bias];
    const block = channelBlock(onnx, inputTypes[0]);
    if (block === undefined) {
      const first = onnx.value('Transpose', [x], { attributes: { perm: [0, 3, 1, 2] } });
      const product = onnx.value('Conv', [first, weight, ...others], { attributes });
      return onnx.node('Transpose', [product], outputs, { attributes: { perm: [0, 2, 3, 1] } });
    }
    // [C, 1, kh, kw] -> [C / block, kh * kw, block], under the shape that the operator expects to be told
    const split = onnx.value('Reshape', [weight, onnx.sizes([channels / block, block, kh * kw])]);
    const turned = onnx.value('Transpose', [split], { attributes: { perm: [0, 2, 1] } });
    const kernels = onnx.value('Reshape', [turned, onnx.sizes([channels, 1, kh, kw])]);
    const product = onnx.value('Conv', [toBlocks(onnx, x), kernels, ...others], { domain: blockedDomain, attributes });
    onnx.node('ReorderOutput', [product], outputs, {
      domain: blockedDomain,
      attributes: { channels, channels_last: 1 },
    });
  },
  gradient: ({ inputs: [x, weight], outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    return [depthwiseConv(dy, mirrored(weight), null), depthwiseWeightGradient(x, dy, weight.shape.slice(2)), dy];
  },
  reference: ([x, weight, bias]) => [depthwiseNd(x, weight, bias)],
};

/** A kernel turned upside down and left to right: what carries the gradient back to the input. */
export const mirrored = (weight: Tensor): Tensor => slice(slice(weight, { axis: 2, step: -1 }), { axis: 3, step: -1 });

/** Top, left, bottom and right zeros with which maps keep their size. */
export const samePads = (kh: number, kw: number): number[] => [(kh - 1) / 2, (kw - 1) / 2, (kh - 1) / 2, (kw - 1) / 2];

/**
 * ONNX Runtime's own layout of maps, [N, C / block, H, W, block], in which one instruction computes a block of
 * channels. It takes it by itself for weights that are constant, and not for those that are fed. Where weights are fed
 * these ops ask for it: a convolution and its weight gradient then take a fifth to a tenth of the time.
 */
export const blockedDomain = 'com.microsoft.nchwc';

/** Undefined where maps are computed as they lie. */
export function channelBlock({ channelBlock }: OnnxWriter, { dtype, shape }: TensorType): number | undefined {
  const isWhole = channelBlock !== undefined && (shape[3] as number) % channelBlock === 0;
  return isWhole && dtype === 'float32' ? channelBlock : undefined;
}

/** [N, H, W, C] to the blocked layout. */
export const toBlocks = (onnx: OnnxWriter, x: string): string =>
  onnx.value('ReorderInput', [x], { domain: blockedDomain, attributes: { channels_last: 1 } });

function depthwiseNd(x: NdArray, weight: NdArray, bias: NdArray | undefined): NdArray {
  const [, height, width, channels] = x.shape;
  const [, , kh, kw] = weight.shape;
  return generate(x.shape, ([n, row, column, c]) => {
    let sum = bias?.data[c] ?? 0;
    for (let i = 0; i < kh; i++) {
      const y = row + i - (kh - 1) / 2;
      if (y < 0 || y >= height) continue;
      for (let j = 0; j < kw; j++) {
        const z = column + j - (kw - 1) / 2;
        if (z < 0 || z >= width) continue;
        sum += x.data[((n * height + y) * width + z) * channels + c] * weight.data[(c * kh + i) * kw + j];
      }
    }
    return sum;
  });
}
