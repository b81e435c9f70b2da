/** Attention: every query reads the values whose keys it resembles. */

import { affine } from '../tensor/ops/affine.ts';
import { attention } from '../tensor/ops/attention.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { split } from '../tensor/ops/split.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { linear } from './linear.ts';
import type { Scope } from './scope.ts';

export { attention as attend };

/** [B, L, heads * D] -> [B, heads, L, D] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, channels] = x.shape;
  return transpose(reshape(x, [batch, length, heads, (channels as number) / heads]), [0, 2, 1, 3]);
}

/** [B, heads, L, D] -> [B, L, heads * D] */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, length, width] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, length, (heads as number) * (width as number)]);
}

export interface MultiHeadAttentionOptions {
  channels: number;
  heads: number;
}

/**
 * Multi-head attention with the parameters of nn.MultiheadAttention: `in_proj_weight` [3C, C], `in_proj_bias`,
 * `out_proj.weight`, `out_proj.bias`. Batch first: query [B, Lq, C], key and value [B, Lk, C] -> [B, Lq, C].
 */
export function multiHeadAttention(scope: Scope, { channels, heads }: MultiHeadAttentionOptions) {
  // Xavier's uniform start over the joint matrix, as PyTorch's.
  const start = { kind: 'uniform', bound: Math.sqrt(6 / (4 * channels)) } as const;
  const weight = scope.parameter('in_proj_weight', [3 * channels, channels], start);
  const bias = scope.parameter('in_proj_bias', [3 * channels]);
  const output = linear(scope.at('out_proj'), channels, channels);
  /** Projections `from` to `to` (0 query, 1 key, 2 value) of one tensor in one product. */
  const project = (x: Tensor, from: number, to: number): Tensor[] => {
    const rows = { axis: 0, start: from * channels, end: to * channels };
    const joint = affine(x, slice(weight, rows), slice(bias, rows));
    const lengths = new Array<number>(to - from).fill(channels);
    return split(joint, { axis: 2, lengths }).map((part) => splitHeads(part, heads));
  };
  return (query: Tensor, key: Tensor, value: Tensor, mask?: Tensor): Tensor => {
    const projected =
      query === key && key === value
        ? project(query, 0, 3)
        : query === key
          ? [...project(query, 0, 2), ...project(value, 2, 3)]
          : key === value
            ? [...project(query, 0, 1), ...project(key, 1, 3)]
            : [...project(query, 0, 1), ...project(key, 1, 2), ...project(value, 2, 3)];
    const [q, k, v] = projected;
    return output(mergeHeads(attention(q, k, v, mask)));
  };
}
