/** Attention: every query reads the values whose keys it resembles. */

import { add } from '../tensor/ops/add.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { softmax } from '../tensor/ops/softmax.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { linear } from './linear.ts';
import type { Scope } from './scope.ts';

/**
 * softmax(q k^T / sqrt(D) + mask) v. q [B, heads, Lq, D], k and v [B, heads, Lk, D].
 * @param mask float, broadcast to [B, heads, Lq, Lk]: 0 where a query may look, very negative where not.
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const width = q.shape[3] as number;
  const scores = matmul(multiply(q, 1 / Math.sqrt(width)), k, { transposeB: true });
  return matmul(softmax(mask ? add(scores, mask) : scores), v);
}

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
    const joint = add(matmul(x, slice(weight, rows), { transposeB: true }), slice(bias, rows));
    return Array.from({ length: to - from }, (_, i) =>
      splitHeads(slice(joint, { axis: 2, start: i * channels, end: (i + 1) * channels }), heads),
    );
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
    return output(mergeHeads(attend(q, k, v, mask)));
  };
}
