/**
 * A small convolutional backbone: residual blocks of 3x3 convolutions (He et al., 2016) with group normalisation.
 *
 * No counterpart in the official code; it exists so that a UPN can be trained on two cores.
 */

import { conv } from '../nn/conv.ts';
import { groupNorm } from '../nn/group-norm.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { relu } from '../tensor/ops/relu.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Backbone } from './backbone.ts';
import type { ResidualConfig } from './config.ts';

const groups = 8;

/** @param stages which stages are returned; stage i has stride 4 * 2^i */
export function residualBackbone(scope: Scope, config: ResidualConfig, stages: readonly number[]): Backbone {
  const { widths, depths } = config;
  const stem = convNorm(scope.at('stem'), { inChannels: 3, outChannels: widths[0], kernel: 4, stride: 4, padding: 0 });
  const layers = depths.map((depth, stage) =>
    Array.from({ length: depth }, (_, i) => {
      const isDown = i === 0 && stage > 0;
      return residualBlock(scope.at(`layers.${stage}.${i}`), widths[isDown ? stage - 1 : stage], widths[stage], isDown);
    }),
  );
  return (images) => {
    let x = relu(stem(images));
    return layers
      .map((blocks) => {
        for (const block of blocks) x = block(x);
        return x;
      })
      .filter((_, stage) => stages.includes(stage));
  };
}

interface ConvNormOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** A convolution without bias and its normalisation: `conv`, `norm`. */
function convNorm(scope: Scope, options: ConvNormOptions): (x: Tensor) => Tensor {
  const convolve = conv(scope.at('conv'), { ...options, hasBias: false });
  const norm = groupNorm(scope.at('norm'), options.outChannels, { groups });
  return (x) => norm(convolve(x));
}

/** Two convolutions around a shortcut; halving the resolution, the first has stride 2 and the shortcut is a projection. */
function residualBlock(scope: Scope, inChannels: number, outChannels: number, isDown: boolean): (x: Tensor) => Tensor {
  const stride = isDown ? 2 : 1;
  const first = convNorm(scope.at('0'), { inChannels, outChannels, kernel: 3, stride, padding: 1 });
  const second = convNorm(scope.at('1'), { inChannels: outChannels, outChannels, kernel: 3, stride: 1, padding: 1 });
  const shortcut = isDown
    ? convNorm(scope.at('shortcut'), { inChannels, outChannels, kernel: 1, stride, padding: 0 })
    : (x: Tensor) => x;
  return (x) => relu(add(second(relu(first(x))), shortcut(x)));
}
