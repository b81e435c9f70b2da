/** Group normalisation with parameters named as in PyTorch's nn.GroupNorm. */

import { groupNorm as groupNormOf } from '../tensor/ops/group-norm.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

/**
 * Parameters `weight` and `bias` [channels]; normalises [N, channels, ...] over each of `groups` groups of channels.
 */
export function groupNorm(
  scope: Scope,
  channels: number,
  { groups, epsilon = 1e-5 }: { groups: number; epsilon?: number },
): (x: Tensor) => Tensor {
  const weight = scope.parameter('weight', [channels], { kind: 'ones' });
  const bias = scope.parameter('bias', [channels]);
  return (x) => groupNormOf(x, weight, bias, { groups, epsilon });
}
