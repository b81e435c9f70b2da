/** The largest value of every window of an image; PyTorch's `max_pool2d`. */

import { generate } from '../nd-array.ts';
import { requireDType, requireRank, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { and } from './and.ts';
import { concat } from './concat.ts';
import { constant } from './constant.ts';
import { convTranspose } from './conv-transpose.ts';
import { convSize } from './convolution.ts';
import { equal } from './equal.ts';
import { not } from './not.ts';
import { or } from './or.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { where } from './where.ts';

export interface MaxPoolAttributes {
  /** Side of the square window. */
  readonly kernel: number;
  readonly stride: number;
  /** Places around the image that belong to windows and never win; at most half of the kernel. */
  readonly padding: number;
}

/** x [N, C, H, W] -> [N, C, Ho, Wo]. The gradient goes to the first of equal values and needs H and W to be static. */
export const maxPool = (
  x: Tensor,
  { kernel, stride = kernel, padding = 0 }: Partial<MaxPoolAttributes> & { kernel: number },
): Tensor => apply(maxPoolOp, [x], { kernel, stride, padding });

const asConvolution = ({ stride, padding }: MaxPoolAttributes) => ({
  strides: [stride, stride] as const,
  pads: [padding, padding, padding, padding] as const,
  dilations: [1, 1] as const,
  groups: 1,
});

export const maxPoolOp: DifferentiableOp<MaxPoolAttributes> = {
  name: 'MaxPool',
  infer: ([x], attributes) => {
    requireDType(x, ['float32']);
    requireRank(x, 4);
    const { kernel, padding } = attributes;
    // Otherwise a window could lie in the padding alone, and its maximum would be no number.
    if (2 * padding > kernel) throw misfit(`a padding of ${padding} is more than half of the kernel's ${kernel}`);
    const [height, width] = ([0, 1] as const).map((i) =>
      convSize(x.shape[i + 2], kernel, asConvolution(attributes), i),
    );
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], height, width] }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { kernel, stride, padding } }) =>
    onnx.node('MaxPool', inputs, outputs, {
      attributes: {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      },
    }),
  gradient: ({ inputs: [x], outputs: [y], attributes, outputGradients: [dy] }) => [
    gradientOfWinners(x, y, dy as Tensor, attributes),
  ],
  reference: ([x], { kernel, stride, padding }, [{ shape }]) => {
    const [, channels, height, width] = x.shape;
    return [
      generate(shape as number[], ([n, c, row, column]) => {
        let most = -Infinity;
        for (let i = 0; i < kernel * kernel; i++) {
          const [y, z] = [row * stride + Math.floor(i / kernel) - padding, column * stride + (i % kernel) - padding];
          if (y < 0 || z < 0 || y >= height || z >= width) continue;
          most = Math.max(most, x.data[((n * channels + c) * height + y) * width + z]);
        }
        return most;
      }),
    ];
  },
};

/**
 * Every place of the window in turn: where it holds the maximum and no place before it did, the gradient is its own.
 */
function gradientOfWinners(x: Tensor, y: Tensor, dy: Tensor, attributes: MaxPoolAttributes): Tensor {
  const { kernel, stride, padding } = attributes;
  const [batch, channels] = [x.shape[0], staticDim(x.shape[1], 'the channels of x')];
  const [from, to] = [x, y].map(({ shape }) => shape.slice(2).map((size) => staticDim(size, 'the size of x')));
  const padded = outsideNeverWins(x, from, padding);
  const shares: Tensor[] = [];
  let taken: Tensor | undefined;
  for (let place = 0; place < kernel * kernel; place++) {
    const [row, column] = [Math.floor(place / kernel), place % kernel];
    const rows = slice(padded, { axis: 2, start: row, end: row + (to[0] - 1) * stride + 1, step: stride });
    const seen = slice(rows, { axis: 3, start: column, end: column + (to[1] - 1) * stride + 1, step: stride });
    const isMaximum = equal(seen, y);
    const wins: Tensor = taken ? and(isMaximum, not(taken)) : isMaximum;
    taken = taken ? or(taken, isMaximum) : isMaximum;
    shares.push(reshape(where(wins, dy, 0), [batch, channels, 1, ...to]));
  }
  // [N, C, k * k, Ho, Wo] back to the places the windows saw: a transposed convolution with one kernel per place.
  const places = kernel * kernel;
  const stacked = reshape(concat(shares, 2), [batch, channels * places, ...to]);
  const kernels = Float32Array.from({ length: channels * places * places }, (_, i) =>
    Number(Math.floor(i / places) % places === i % places),
  );
  // Rows and columns of x behind the last window were never seen.
  const rest = from.map((size, i) => size + 2 * padding - ((to[i] - 1) * stride + kernel)) as [number, number];
  return convTranspose(stacked, constant('float32', [channels * places, 1, kernel, kernel], kernels), null, {
    ...asConvolution(attributes),
    groups: channels,
    outputPadding: rest,
  });
}

/** x with a border that is smaller than anything in it. */
function outsideNeverWins(x: Tensor, [height, width]: readonly number[], padding: number): Tensor {
  if (padding === 0) return x;
  const size = { before: padding, after: padding };
  const [tall, wide] = [height + 2 * padding, width + 2 * padding];
  const border = Float32Array.from({ length: tall * wide }, (_, i) => {
    const [row, column] = [Math.floor(i / wide) - padding, (i % wide) - padding];
    return row < 0 || column < 0 || row >= height || column >= width ? -3e38 : 0;
  });
  const padded = pad(pad(x, { axis: 2, ...size }), { axis: 3, ...size });
  return add(padded, constant('float32', [1, 1, tall, wide], border));
}
