/** Linear layers with an activation between them, named as DETR's MLP: `layers.0`, `layers.1`, ... */

import { relu } from '../tensor/ops/relu.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { linear } from './linear.ts';
import type { Scope } from './scope.ts';

export interface MlpOptions {
  /** Sizes of the last axis from the input to the output: one more than there are layers. */
  sizes: readonly number[];
  /** Between layers; ReLU by default. */
  activation?: (x: Tensor) => Tensor;
}

/** Maps [..., sizes[0]] -> [..., sizes.at(-1)]. */
export function mlp(scope: Scope, { sizes, activation = relu }: MlpOptions): (x: Tensor) => Tensor {
  const layers = sizes.slice(1).map((size, i) => linear(scope.at(`layers.${i}`), sizes[i], size));
  return (x) => layers.reduce((value, layer, i) => layer(i === 0 ? value : activation(value)), x);
}
