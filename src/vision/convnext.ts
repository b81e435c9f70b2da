/**
 * ConvNeXt: the high-resolution image encoder (paper section 3.2; Liu et al., "A ConvNet for the 2020s").
 *
 * Agrees with timm's `convnext.py`, whose parameter names it keeps (`stem.0`, `stages.0.downsample.1`,
 * `stages.0.blocks.0.conv_dw`, ...). All four stages are returned, as the object encoder needs them; there is no head.
 */

import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { conv } from '../tensor/ops/conv.ts';
import { depthwiseConv } from '../tensor/ops/depthwise-conv.ts';
import { gelu } from '../tensor/ops/gelu.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface ConvNextConfig {
  /** Blocks per stage. */
  depths: readonly number[];
  /** Channels per stage. */
  dims: readonly number[];
  /** Side of the square depthwise kernel. */
  kernelSize: number;
  /** Start of the per-channel scale of every residual branch. */
  layerScale: number;
}

const shared = { kernelSize: 7, layerScale: 1e-6 };

/** timm's `convnext_large`, and the size that two cores can train. */
export const convNextPresets = {
  'convnext-large': { ...shared, depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536] },
  'convnext-nano': { kernelSize: 5, depths: [1, 2, 4, 1], dims: [32, 64, 128, 256], layerScale: 0.1 },
} satisfies Record<string, ConvNextConfig>;

const epsilon = 1e-6;

/** Strides of the stages' maps against the image. */
export const convNextStrides = [4, 8, 16, 32] as const;

/**
 * Image [B, 3, H, W] (normalised, H and W multiples of 32) -> maps [B, dims[i], H / 4 / 2^i, W / 4 / 2^i] of all
 * stages.
 */
export function convNext(scope: Scope, config: ConvNextConfig): (image: Tensor) => Tensor[] {
  const stem = patchConv(scope.at('stem.0'), 3, config.dims[0], 4);
  const stemNorm = layerNorm(scope.at('stem.1'), config.dims[0], { epsilon });
  const stages = config.dims.map((_, i) => stage(scope.at('stages').at(i), config, i));
  return (image) => {
    let x = toChannelsLast(stem(image));
    x = stemNorm(x);
    return stages.map((run) => {
      x = run(x);
      return toChannelsFirst(x);
    });
  };
}

/** Channels last in and out: [B, H, W, C]; every stage but the first halves the map. */
function stage(scope: Scope, { depths, dims, kernelSize, layerScale }: ConvNextConfig, index: number) {
  const channels = dims[index];
  const downsample =
    index === 0
      ? undefined
      : {
          norm: layerNorm(scope.at('downsample.0'), dims[index - 1], { epsilon }),
          reduce: patchConv(scope.at('downsample.1'), dims[index - 1], channels, 2),
        };
  const blocks = Array.from({ length: depths[index] }, (_, i) =>
    block(scope.at('blocks').at(i), channels, kernelSize, layerScale),
  );
  return (x: Tensor): Tensor => {
    const start = downsample ? toChannelsLast(downsample.reduce(toChannelsFirst(downsample.norm(x)))) : x;
    return blocks.reduce((value, run) => run(value), start);
  };
}

/** Depthwise convolution, norm, and an MLP on every position, scaled and added to the input. */
function block(scope: Scope, channels: number, kernelSize: number, layerScale: number) {
  const bound = 1 / kernelSize;
  const kernel = scope.parameter('conv_dw.weight', [channels, 1, kernelSize, kernelSize], { kind: 'uniform', bound });
  const bias = scope.parameter('conv_dw.bias', [channels]);
  const norm = layerNorm(scope.at('norm'), channels, { epsilon });
  const expand = linear(scope.at('mlp.fc1'), channels, 4 * channels);
  const project = linear(scope.at('mlp.fc2'), 4 * channels, channels);
  const gamma = scope.parameter('gamma', [channels], { kind: 'constant', value: layerScale });
  return (x: Tensor): Tensor => add(x, multiply(project(gelu(expand(norm(depthwiseConv(x, kernel, bias))))), gamma));
}

/** A convolution whose stride is its kernel. */
function patchConv(scope: Scope, inputs: number, outputs: number, size: number): (x: Tensor) => Tensor {
  const bound = 1 / Math.sqrt(inputs * size * size);
  const weight = scope.parameter('weight', [outputs, inputs, size, size], { kind: 'uniform', bound });
  const bias = scope.parameter('bias', [outputs]);
  return (x) => conv(x, weight, bias, { strides: [size, size] });
}

const toChannelsLast = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
const toChannelsFirst = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);
