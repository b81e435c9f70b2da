/** Root mean square normalisation, as Llama and Qwen2 have it. */

import { rmsNorm as rmsNormOf } from '../tensor/ops/rms-norm.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

/** Parameter `weight` [channels]; normalises [..., channels] over the last axis. */
export function rmsNorm(
  scope: Scope,
  channels: number,
  { epsilon = 1e-6, initialWeight = 1 }: { epsilon?: number; initialWeight?: number } = {},
): (x: Tensor) => Tensor {
  const weight = scope.parameter('weight', [channels], { kind: 'constant', value: initialWeight });
  return (x) => rmsNormOf(x, weight, { epsilon });
}
