/** Affine map of the last axis, with weights laid out as PyTorch's nn.Linear. */

import { add } from '../tensor/ops/add.ts';
import { affine } from '../tensor/ops/affine.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import type { Initializer } from '../tensor/ops/parameter.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { lowRankProduct } from './low-rank.ts';
import { quantizedProduct } from './quantized-linear.ts';
import type { Scope } from './scope.ts';

export interface LinearOptions {
  hasBias?: boolean;
  /** Standard deviation of a normal start; without it weights and bias start uniform as nn.Linear's do. */
  deviation?: number;
}

/**
 * Parameters `weight` [outputs, inputs] and `bias` [outputs]; maps [..., inputs] -> [..., outputs].
 * Where the scope says so the weight is stored quantised instead, as `quantized-linear.ts` describes, or learns by a
 * low-rank adapter, as `low-rank.ts` does.
 * @example const y = linear(createScope().at('head'), 64, 10)(x); // [batch, 64] -> [batch, 10]
 */
export function linear(
  scope: Scope,
  inputs: number,
  outputs: number,
  options: LinearOptions = {},
): (x: Tensor) => Tensor {
  const { hasBias = true, deviation } = options;
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) } as const;
  const starts: Record<'weight' | 'bias', Initializer> =
    deviation === undefined
      ? { weight: uniform, bias: uniform }
      : { weight: { kind: 'normal', deviation }, bias: { kind: 'zeros' } };
  const biasOf = () => (hasBias ? scope.parameter('bias', [outputs], starts.bias) : undefined);
  if (scope.linearFormat !== 'float') {
    const product = quantizedProduct(scope, inputs, outputs);
    const bias = biasOf();
    return (x) => (bias ? add(product(x), bias) : product(x));
  }
  const weight = scope.parameter('weight', [outputs, inputs], starts.weight);
  const bias = biasOf();
  const layer = (x: Tensor) => (bias ? affine(x, weight, bias) : matmul(x, weight, { transposeB: true }));
  if (!scope.adapter) return layer;
  const learned = lowRankProduct(scope, inputs, outputs, scope.adapter);
  return (x) => add(layer(x), learned(x));
}
