/** Square convolution with parameters named as in PyTorch's nn.Conv2d. */

import { conv as convOf } from '../tensor/ops/conv.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

export interface ConvLayerOptions {
  inChannels: number;
  outChannels: number;
  /** Side of the kernel. */
  kernel: number;
  stride?: number;
  /** Zeros on every side, or at the top, left, bottom and right. */
  padding?: number | readonly [number, number, number, number];
  dilation?: number;
  /** As many groups as channels make it depthwise. */
  groups?: number;
  hasBias?: boolean;
}

/**
 * Parameters `weight` [outChannels, inChannels / groups, kernel, kernel] and `bias` [outChannels], which start uniform
 * as nn.Conv2d's do; maps [N, inChannels, H, W] -> [N, outChannels, Ho, Wo].
 */
export function conv(scope: Scope, options: ConvLayerOptions): (x: Tensor) => Tensor {
  const { inChannels, outChannels, kernel, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const channelsPerGroup = inChannels / groups;
  const start = { kind: 'uniform', bound: 1 / Math.sqrt(channelsPerGroup * kernel * kernel) } as const;
  const weight = scope.parameter('weight', [outChannels, channelsPerGroup, kernel, kernel], start);
  const bias = options.hasBias === false ? null : scope.parameter('bias', [outChannels], start);
  return (x) =>
    convOf(x, weight, bias, {
      strides: [stride, stride],
      pads: typeof padding === 'number' ? [padding, padding, padding, padding] : padding,
      dilations: [dilation, dilation],
      groups,
    });
}
