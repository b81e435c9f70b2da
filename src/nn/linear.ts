/** Affine map of the last axis, with weights laid out as PyTorch's nn.Linear. */

import { add } from '../tensor/ops/add.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

export interface LinearOptions {
  hasBias?: boolean;
  /** Standard deviation of a normal start; without it weights and bias start uniform as nn.Linear's do. */
  deviation?: number;
}

/** Parameters `weight` [outputs, inputs] and `bias` [outputs]; maps [..., inputs] -> [..., outputs]. */
export function linear(
  scope: Scope,
  inputs: number,
  outputs: number,
  options: LinearOptions = {},
): (x: Tensor) => Tensor {
  const { hasBias = true, deviation } = options;
  const bound = 1 / Math.sqrt(inputs);
  const weight = scope.parameter(
    'weight',
    [outputs, inputs],
    deviation === undefined ? { kind: 'uniform', bound } : { kind: 'normal', deviation },
  );
  const bias = hasBias
    ? scope.parameter('bias', [outputs], deviation === undefined ? { kind: 'uniform', bound } : { kind: 'zeros' })
    : undefined;
  return (x) => {
    const product = matmul(x, weight, { transposeB: true });
    return bias ? add(product, bias) : product;
  };
}
