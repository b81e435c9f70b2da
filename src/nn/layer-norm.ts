/** Layer normalisation with parameters named as in PyTorch's nn.LayerNorm. */

import { layerNorm as layerNormOf } from '../tensor/ops/layer-norm.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

/** Parameters `weight` and `bias` [channels]; normalises [..., channels] over the last axis. */
export function layerNorm(
  scope: Scope,
  channels: number,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): (x: Tensor) => Tensor {
  const weight = scope.parameter('weight', [channels], { kind: 'ones' });
  const bias = scope.parameter('bias', [channels]);
  return (x) => layerNormOf(x, weight, bias, { epsilon });
}
