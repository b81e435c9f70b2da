/**
 * Low-rank adapters (LoRA, Hu et al., 2021): a layer with weight W learns W + (alpha / rank) B A while W stays as it
 * is.
 *
 *     X.lora_A.weight  [rank, inputs]   starts as a layer's own weight does
 *     X.lora_B.weight  [outputs, rank]  starts at zero, so that training begins at the model as it was
 *
 * Names as Hugging Face's PEFT has them. `mergedWeight` makes an ordinary layer of both.
 */

import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Adapter, Scope } from './scope.ts';

const [down, up] = ['lora_A.weight', 'lora_B.weight'];

/** Whether a parameter belongs to an adapter. */
export const isAdapter = (name: string): boolean => name.endsWith(`.${down}`) || name.endsWith(`.${up}`);

/** Names of the adapter of the layer whose weight is called `weight`. */
export function adapterNames(weight: string): { down: string; up: string } {
  const layer = weight.slice(0, -'weight'.length);
  return { down: layer + down, up: layer + up };
}

/** What an adapter adds to its layer: x [..., inputs] -> [..., outputs]. */
export function lowRankProduct(
  scope: Scope,
  inputs: number,
  outputs: number,
  { rank, alpha }: Adapter,
): (x: Tensor) => Tensor {
  const a = scope.parameter(down, [rank, inputs], { kind: 'uniform', bound: 1 / Math.sqrt(inputs) });
  const b = scope.parameter(up, [outputs, rank], { kind: 'zeros' });
  return (x) => multiply(matmul(matmul(x, a, { transposeB: true }), b, { transposeB: true }), alpha / rank);
}

/**
 * W + (alpha / rank) B A, as a new array.
 * @param weight [outputs, inputs]
 * @param a [rank, inputs]
 * @param b [outputs, rank]
 */
export function mergedWeight(
  weight: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { rank, alpha }: Adapter,
): Float32Array {
  const inputs = a.length / rank;
  const merged = weight.slice();
  for (let output = 0; output < b.length / rank; output++) {
    for (let r = 0; r < rank; r++) {
      const factor = (alpha / rank) * b[output * rank + r];
      if (factor === 0) continue;
      for (let i = 0; i < inputs; i++) merged[output * inputs + i] += factor * a[r * inputs + i];
    }
  }
  return merged;
}
