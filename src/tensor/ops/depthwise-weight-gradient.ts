/** The gradient of a depthwise convolution with respect to its kernels, as one op with its own gradient. */

import { isStatic, multiplyDims, type Shape } from '../dimension.ts';
import { generate, type NdArray } from '../nd-array.ts';
import { requireDType, requireRank, requireSameDType, staticDim, staticShape } from '../shape.ts';
import type { DifferentiableOp, EmitContext, Tensor } from '../tensor.ts';
import { apply, misfit } from '../tensor.ts';
import { blockedDomain, channelBlock, depthwiseConv, mirrored, samePads, toBlocks } from './depthwise-conv.ts';
import { anyFloat } from './elementwise.ts';

export interface DepthwiseWeightGradientAttributes {
  /** Height and width of the kernels, odd. */
  readonly kernel: readonly [number, number];
}

/** dLoss/dWeight [C, 1, kh, kw] of y = depthwiseConv(x, weight), from x and dy [N, H, W, C]. */
export const depthwiseWeightGradient = (x: Tensor, dy: Tensor, kernel: Shape): Tensor =>
  apply(depthwiseWeightGradientOp, [x, dy], () => ({
    kernel: staticShape(kernel, 'the size of the kernel') as [number, number],
  }));

export const depthwiseWeightGradientOp: DifferentiableOp<DepthwiseWeightGradientAttributes> = {
  name: 'DepthwiseWeightGradient',
  infer: ([x, dy], { kernel }) => {
    requireDType(x, anyFloat);
    requireRank(x, 4);
    if (dy.shape.join() !== x.shape.join()) throw misfit('x and dy must have one shape');
    if (kernel.some((side) => side % 2 === 0)) throw misfit('sides of the kernel must be odd');
    return [{ dtype: requireSameDType(x, dy), shape: [staticDim(x.shape[3], 'the number of channels'), 1, ...kernel] }];
  },
  emit: (context) => {
    const { onnx, inputTypes } = context;
    const [n, height, width] = inputTypes[0].shape;
    const isBlocked = [n, height, width].every(isStatic) && channelBlock(onnx, inputTypes[0]) !== undefined;
    if (isBlocked) emitBlocked(context);
    else emitPlain(context);
  },
  gradient: ({ inputs: [x, dy], outputGradients }) => {
    const slope = outputGradients[0] as Tensor;
    return [depthwiseConv(dy, mirrored(slope), null), depthwiseConv(x, slope, null)];
  },
  reference: ([x, dy], _, [{ shape }]) => [weightGradientNd(x, dy, shape as number[])],
};

type Context = EmitContext<DepthwiseWeightGradientAttributes>;

/**
 * Every channel of every image is convolved by its own dy, as one depthwise convolution of N * C channels: in blocks,
 * maps and kernels lie alike in memory. The sum over images comes after it.
 */
function emitBlocked({ onnx, inputs, outputs, inputTypes, attributes: { kernel } }: Context): void {
  const [n, height, width, channels] = inputTypes[0].shape as number[];
  const all = n * channels;
  const maps = onnx.value('Reshape', [toBlocks(onnx, inputs[0]), onnx.sizes([1, all, height, width])]);
  const kernels = onnx.value('Reshape', [toBlocks(onnx, inputs[1]), onnx.sizes([all, 1, height, width])]);
  const product = onnx.value('Conv', [maps, kernels], {
    domain: blockedDomain,
    attributes: { kernel_shape: [height, width], pads: samePads(...kernel), group: all },
  });
  const plain = onnx.value('ReorderOutput', [product], {
    domain: blockedDomain,
    attributes: { channels: all, channels_last: 0 },
  });
  const perImage = onnx.value('Reshape', [plain, onnx.sizes([n, channels, 1, ...kernel])]);
  onnx.node('ReduceSum', [perImage, onnx.integers([0])], outputs, { attributes: { keepdims: 0 } });
}

/** As a convolution in which images are the channels of a group. */
function emitPlain({ onnx, inputs, outputs, inputTypes, attributes: { kernel } }: Context): void {
  const [n, height, width, channels] = inputTypes[0].shape;
  const [images, kernels] = inputs.map((x) => onnx.value('Transpose', [x], { attributes: { perm: [3, 0, 1, 2] } }));
  const flat = onnx.value('Reshape', [images, onnx.sizes([1, multiplyDims(n, channels), height, width])]);
  const attributes = { pads: samePads(...kernel), group: channels as number };
  const product = onnx.value('Conv', [flat, kernels], { attributes });
  onnx.node('Reshape', [product, onnx.sizes([channels, 1, ...kernel])], outputs);
}

function weightGradientNd(x: NdArray, dy: NdArray, shape: number[]): NdArray {
  const [n, height, width, channels] = x.shape;
  const [, , kh, kw] = shape;
  return generate(shape, ([c, , i, j]) => {
    let sum = 0;
    for (let image = 0; image < n; image++) {
      for (let row = 0; row < height; row++) {
        const y = row + i - (kh - 1) / 2;
        if (y < 0 || y >= height) continue;
        for (let column = 0; column < width; column++) {
          const z = column + j - (kw - 1) / 2;
          if (z < 0 || z >= width) continue;
          const [from, to] = [(image * height + y) * width + z, (image * height + row) * width + column];
          sum += x.data[from * channels + c] * dy.data[to * channels + c];
        }
      }
    }
    return sum;
  });
}
