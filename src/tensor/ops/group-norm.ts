/** Group normalisation of images: channels are split into groups, each normalised over its channels and places. */

import { type Dim, divideDims, sizeOf } from '../dimension.ts';
import { generate } from '../nd-array.ts';
import { requireDType, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { reduceMean } from './reduce-mean.ts';
import { reduceSum } from './reduce-sum.ts';
import { reshape } from './reshape.ts';
import { subtract } from './subtract.ts';

export interface GroupNormAttributes {
  readonly groups: number;
  readonly epsilon: number;
}

/** x [N, C, ...], weight [C], bias [C]: as nn.GroupNorm; with as many groups as channels, instance normalisation. */
export const groupNorm = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { groups, epsilon = 1e-5 }: { groups: number; epsilon?: number },
): Tensor => applyAll(groupNormOp, [x, weight, bias], { groups, epsilon })[0];

const channelShape = (rank: number, channels: Dim): Dim[] => [channels, ...new Array<Dim>(rank - 2).fill(1)];

export const groupNormOp: DifferentiableOp<GroupNormAttributes> = {
  name: 'GroupNorm',
  infer: ([x, weight, bias], { groups }) => {
    requireDType(x, anyFloat);
    if (x.shape.length < 3) throw misfit('x must be [N, C, ...]');
    const channels = staticDim(x.shape[1], 'the number of channels');
    if (channels % groups !== 0) throw misfit(`${channels} channels do not split into ${groups} groups`);
    for (const { shape } of [weight, bias]) {
      if (shape.length !== 1 || shape[0] !== channels) throw misfit(`weight and bias must be [${channels}]`);
    }
    const statistics = { dtype: 'float32', shape: [x.shape[0], groups, 1] } as const;
    return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
  },
  emit: ({ onnx, inputs: [x, weight, bias], outputs, outputTypes: [{ dtype, shape }], attributes }) => {
    // A row per group through LayerNormalization, which runs on all cores; ONNX Runtime has no GroupNorm for CPUs.
    const { groups, epsilon } = attributes;
    const length = divideDims(sizeOf(shape.slice(1)), groups) as Dim;
    const rows = onnx.value('Reshape', [x, onnx.integers([0, groups, -1])]);
    const ones = onnx.value('Expand', [onnx.scalar(dtype, 1), onnx.sizes([length])]);
    const normalized = onnx.fresh('GroupNorm');
    onnx.node('LayerNormalization', [rows, ones], [normalized, ...outputs.slice(1)], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
    const image = onnx.value('Reshape', [normalized, onnx.sizes(shape)]);
    const perChannel = onnx.sizes(channelShape(shape.length, shape[1]));
    const scaled = onnx.value('Mul', [image, onnx.value('Reshape', [weight, perChannel])]);
    onnx.node('Add', [scaled, onnx.value('Reshape', [bias, perChannel])], [outputs[0]]);
  },
  // As for layer normalisation, by groups instead of rows.
  gradient: ({ inputs: [x, weight], outputs: [, mean, inverseDeviation], attributes: { groups }, outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const rows = [x.shape[0], groups, divideDims(sizeOf(x.shape.slice(1)), groups) as Dim];
    const normalized = multiply(subtract(reshape(x, rows), mean), inverseDeviation);
    const g = reshape(multiply(dy, reshape(weight, channelShape(x.shape.length, x.shape[1]))), rows);
    const meanOf = (t: Tensor) => reduceMean(t, { axes: [-1], keepDims: true });
    const centred = subtract(subtract(g, meanOf(g)), multiply(normalized, meanOf(multiply(g, normalized))));
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    return [
      reshape(multiply(centred, inverseDeviation), x.shape),
      reduceSum(multiply(dy, reshape(normalized, x.shape)), { axes }),
      reduceSum(dy, { axes }),
    ];
  },
  reference: ([x, weight, bias], { groups, epsilon }) => {
    const [n, channels] = x.shape;
    const length = (x.data.length / (n * groups || 1)) | 0;
    const group = (flat: number) => x.data.subarray(flat * length, (flat + 1) * length);
    const mean = generate([n, groups, 1], (_, flat) => group(flat).reduce((sum, value) => sum + value, 0) / length);
    const inverseDeviation = generate([n, groups, 1], (_, flat) => {
      const variance = group(flat).reduce((sum, value) => sum + (value - mean.data[flat]) ** 2, 0) / length;
      return 1 / Math.sqrt(variance + epsilon);
    });
    const y = generate(x.shape, (index, flat) => {
      const row = index[0] * groups + Math.floor(index[1] / (channels / groups));
      return (x.data[flat] - mean.data[row]) * inverseDeviation.data[row] * weight.data[index[1]] + bias.data[index[1]];
    });
    return [y, mean, inverseDeviation];
  },
};
