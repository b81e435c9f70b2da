/**
 * Causal attention with grouped heads and rotary positions, within whole texts and over a cache.
 * Agrees with the attention of transformers' `modeling_llama.py`.
 */

import { attend, mergeHeads, splitHeads } from '../nn/attention.ts';
import { type Dim, multiplyDims, type Shape } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gather } from '../tensor/ops/gather.ts';
import { less } from '../tensor/ops/less.ts';
import { lessOrEqual } from '../tensor/ops/less-or-equal.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { range } from '../tensor/ops/range.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { softmax } from '../tensor/ops/softmax.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import { where } from '../tensor/ops/where.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LlamaConfig } from './llama-config.ts';
import { rotate } from './rotary.ts';

/**
 * Joint queries, keys and values [batch, sequence, heads * headDim], not yet rotated -> attended, shaped as the query.
 */
export type Attention = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** Cosines and sines of angles, float32 [positions, headDim / 2] each. */
export interface RotaryTables {
  cosines: Tensor;
  sines: Tensor;
}

/** Places and sight of tokens that do not simply follow each other, such as several questions after one image. */
export interface SequenceLayout {
  /** int64 [batch, sequence] */
  positions: Tensor;
  /** float32 [batch, 1, sequence, sequence]: 0 where a token (row) sees another, very negative where not. */
  mask: Tensor;
}

/** Of one layer, rotated. */
export interface KeysAndValues {
  /** float32 [batch, numKeyValueHeads, headDim, tokens], as the product with queries reads them. */
  key: Tensor;
  /** float32 [batch, numKeyValueHeads, tokens, headDim] */
  value: Tensor;
}

type Heads = Pick<LlamaConfig, 'numAttentionHeads' | 'numKeyValueHeads' | 'headDim'>;

/**
 * Attention within whole texts, in differentiable ops.
 * @param shape of the embeddings.
 * @param layout without it every token follows, and sees, all before it.
 */
export function wholeAttention(
  config: Heads,
  tables: RotaryTables,
  [batch, sequence]: Shape,
  layout?: SequenceLayout,
): Attention {
  const { numAttentionHeads, numKeyValueHeads } = config;
  const { cosines, sines } = layout
    ? rotationsAt(tables, layout.positions, [batch, sequence])
    : { cosines: upTo(tables.cosines, sequence), sines: upTo(tables.sines, sequence) };
  const mask = groupedMask(layout?.mask ?? causalMask(sequence), config);
  return (query, key, value) => {
    const q = rotate(splitHeads(query, numAttentionHeads), cosines, sines);
    const k = rotate(splitHeads(key, numKeyValueHeads), cosines, sines);
    return ungrouped(attend(grouped(q, config), k, splitHeads(value, numKeyValueHeads), mask), config, sequence);
  };
}

/**
 * Attention of new tokens over those of a cache and over themselves.
 *
 * The cache is only read, the new keys and values are given back: an attention that returned the longer cache (as
 * GroupQueryAttention does) would copy all of it for every token, unless it were written in place.
 * @param shape of the embeddings.
 * @param cache of any layer: its shape is all that matters.
 */
export function extendingAttention(
  config: Heads,
  tables: RotaryTables,
  [batch, sequence]: Shape,
  cache: KeysAndValues,
  lengths: Tensor,
): (query: Tensor, key: Tensor, value: Tensor, past: KeysAndValues) => { output: Tensor; own: KeysAndValues } {
  const { numAttentionHeads, numKeyValueHeads, headDim } = config;
  const capacity = cache.value.shape[2];
  const positions = add(reshape(lengths, [batch, 1]), range(sequence));
  const { cosines, sines } = rotationsAt(tables, positions, [batch, sequence]);
  const pastMask = maskWhere(less(range(capacity), reshape(lengths, [batch, 1, 1, 1])));
  const ownMask = groupedMask(causalMask(sequence), config);
  return (query, key, value, past) => {
    const scaled = multiply(query, 1 / Math.sqrt(headDim));
    const q = grouped(rotate(splitHeads(scaled, numAttentionHeads), cosines, sines), config);
    const k = rotate(splitHeads(key, numKeyValueHeads), cosines, sines);
    const own = { key: transpose(k, [0, 1, 3, 2]), value: splitHeads(value, numKeyValueHeads) };
    const scores = [add(matmul(q, past.key), pastMask), add(matmul(q, own.key), ownMask)];
    const weights = softmax(concat(scores, -1));
    const fromPast = matmul(slice(weights, { axis: -1, end: capacity }), past.value);
    const fromOwn = matmul(slice(weights, { axis: -1, start: capacity }), own.value);
    return { output: ungrouped(add(fromPast, fromOwn), config, sequence), own };
  };
}

const upTo = (table: Tensor, sequence: Dim): Tensor => slice(table, { axis: 0, end: sequence });

/** Rows of the tables, broadcast over heads: [batch, 1, sequence, headDim / 2]. */
function rotationsAt({ cosines, sines }: RotaryTables, positions: Tensor, [batch, sequence]: Shape): RotaryTables {
  const at = (table: Tensor) => reshape(gather(table, positions, { axis: 0 }), [batch, 1, sequence, table.shape[1]]);
  return { cosines: at(cosines), sines: at(sines) };
}

/** Every token sees itself and those before it: [1, 1, sequence, sequence]. */
function causalMask(sequence: Dim): Tensor {
  const [rows, columns] = [reshape(range(sequence), [sequence, 1]), range(sequence)];
  return reshape(maskWhere(lessOrEqual(columns, rows)), [1, 1, sequence, sequence]);
}

/** What to add to scores: 0 where a token may be seen, very negative where not. */
const maskWhere = (isSeen: Tensor): Tensor =>
  where(isSeen, constant('float32', [], [0]), constant('float32', [], [-1e9]));

/** Queries that share keys stand below each other: one product for the group, and no copies of keys. */
function grouped(q: Tensor, { numAttentionHeads, numKeyValueHeads, headDim }: Heads): Tensor {
  const [batch, , sequence] = q.shape;
  const rows = multiplyDims(numAttentionHeads / numKeyValueHeads, sequence);
  return reshape(q, [batch, numKeyValueHeads, rows, headDim]);
}

/** [batch, numKeyValueHeads, sharing * sequence, headDim] -> [batch, sequence, heads * headDim] */
function ungrouped(x: Tensor, { numAttentionHeads, headDim }: Heads, sequence: Dim): Tensor {
  return mergeHeads(reshape(x, [x.shape[0], numAttentionHeads, sequence, headDim]));
}

/** [batch, 1, sequence, keys] -> [batch, 1, sharing * sequence, keys] */
function groupedMask(mask: Tensor, { numAttentionHeads, numKeyValueHeads }: Heads): Tensor {
  const sharing = numAttentionHeads / numKeyValueHeads;
  if (sharing === 1) return mask;
  const [batch, , sequence, keys] = mask.shape;
  return reshape(expand(mask, [batch, sharing, sequence, keys]), [batch, 1, multiplyDims(sharing, sequence), keys]);
}
