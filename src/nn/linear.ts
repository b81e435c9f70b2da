/** Affine map of the last axis, with weights laid out as PyTorch's nn.Linear. */

import { add } from '../tensor/ops/add.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { quantizedProduct } from './quantized-linear.ts';
import type { Scope } from './scope.ts';

export interface LinearOptions {
  hasBias?: boolean;
  /** Standard deviation of a normal start; without it weights and bias start uniform as nn.Linear's do. */
  deviation?: number;
}

/**
 * Parameters `weight` [outputs, inputs] and `bias` [outputs]; maps [..., inputs] -> [..., outputs].
 * Where the scope says so the weight is stored quantised instead, as `quantized-linear.ts` describes.
 */
export function linear(
  scope: Scope,
  inputs: number,
  outputs: number,
  options: LinearOptions = {},
): (x: Tensor) => Tensor {
  const { hasBias = true, deviation } = options;
  const bound = 1 / Math.sqrt(inputs);
  const product =
    scope.linearFormat === 'float'
      ? floatProduct(scope, inputs, outputs, deviation)
      : quantizedProduct(scope, inputs, outputs);
  const bias = hasBias
    ? scope.parameter('bias', [outputs], deviation === undefined ? { kind: 'uniform', bound } : { kind: 'zeros' })
    : undefined;
  return (x) => (bias ? add(product(x), bias) : product(x));
}

function floatProduct(scope: Scope, inputs: number, outputs: number, deviation: number | undefined) {
  const weight = scope.parameter(
    'weight',
    [outputs, inputs],
    deviation === undefined ? { kind: 'uniform', bound: 1 / Math.sqrt(inputs) } : { kind: 'normal', deviation },
  );
  return (x: Tensor) => matmul(x, weight, { transposeB: true });
}
