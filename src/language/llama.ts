/**
 * The decoder-only language model of the paper's section 3.2: Llama (Vicuna) and Qwen2, one function for all.
 * Agrees with transformers' `modeling_llama.py` and `modeling_qwen2.py`; parameters carry their names.
 *
 * It reads embeddings, not token ids, so that image and object tokens can stand between words. Two forms share every
 * layer: `forward`, made of differentiable ops, for training; `extend`, which keeps keys and values in a cache.
 */

import { attend, mergeHeads, splitHeads } from '../nn/attention.ts';
import { linear } from '../nn/linear.ts';
import { rmsNorm } from '../nn/rms-norm.ts';
import type { Scope } from '../nn/scope.ts';
import { type Dim, multiplyDims } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { cast } from '../tensor/ops/cast.ts';
import { constant } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gather } from '../tensor/ops/gather.ts';
import { groupQueryAttention } from '../tensor/ops/group-query-attention.ts';
import { lessOrEqual } from '../tensor/ops/less-or-equal.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { range } from '../tensor/ops/range.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { silu } from '../tensor/ops/silu.ts';
import { slice } from '../tensor/ops/slice.ts';
import { where } from '../tensor/ops/where.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LlamaConfig } from './llama-config.ts';
import { rotaryTables, rotate } from './rotary.ts';

/** Keys and values of one layer, float32 [batch, numKeyValueHeads, capacity, headDim]; rows are filled from the front. */
export interface LayerCache {
  key: Tensor;
  value: Tensor;
}

/** Where new tokens stand: see `groupQueryAttention`. */
export interface CachePositions {
  /** int32 [batch] */
  lastPositions: Tensor;
  /** int32 [1] */
  totalLength: Tensor;
}

export interface Llama {
  /** int64 ids [...] -> float32 [..., hiddenSize]. */
  embed(ids: Tensor): Tensor;
  /**
   * Hidden states of whole texts, float32 [batch, sequence, hiddenSize] -> the same shape, after the last norm.
   * Shorter texts are padded at their end: a token sees only those before it, so padding changes no real token.
   * @param layout where several texts share a beginning; without it every token follows those before it.
   */
  forward(embeddings: Tensor, layout?: SequenceLayout): Tensor;
  /** Hidden states of new tokens after those in the caches, and the caches with the new tokens in them. */
  extend(
    embeddings: Tensor,
    caches: readonly LayerCache[],
    positions: CachePositions,
  ): { hidden: Tensor; caches: LayerCache[] };
  /** Hidden states [..., hiddenSize] -> float32 [..., vocabSize]. */
  logits(hidden: Tensor): Tensor;
}

/** Places and sight of tokens that do not simply follow each other, such as several questions after one picture. */
export interface SequenceLayout {
  /** int64 [batch, sequence] */
  positions: Tensor;
  /** float32 [batch, 1, sequence, sequence]: 0 where a token (row) sees another, very negative where not. */
  mask: Tensor;
}

export interface LlamaOptions {
  /** Longest text that the graph can hold; `maxPositionEmbeddings` by default. */
  maxPositions?: number;
  /** float16 keeps the table of input embeddings at half the memory; its rows are widened as they are read. */
  embeddingDType?: 'float32' | 'float16';
}

/** @param scope above `model.` and `lm_head.`; its linear format says how the weights of layers and head are stored. */
export function llama(scope: Scope, config: LlamaConfig, options: LlamaOptions = {}): Llama {
  const { hiddenSize, vocabSize, rmsNormEps } = config;
  const model = scope.at('model');
  const deviation = 0.02;
  const start = { kind: 'normal', deviation } as const;
  const table = model.at('embed_tokens').parameter('weight', [vocabSize, hiddenSize], start, options.embeddingDType);
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) =>
    decoderLayer(model.at(`layers.${i}`), config),
  );
  const norm = rmsNorm(model.at('norm'), hiddenSize, { epsilon: rmsNormEps });
  const isTied = config.tieWordEmbeddings && scope.linearFormat === 'float';
  const head = isTied
    ? (hidden: Tensor) => matmul(hidden, cast(table, 'float32'), { transposeB: true })
    : linear(scope.at('lm_head'), hiddenSize, vocabSize, { hasBias: false, deviation });

  const maxPositions = options.maxPositions ?? config.maxPositionEmbeddings;
  const tables = rotaryTables(config, maxPositions);
  const shape = [maxPositions, config.headDim / 2];
  const [cosines, sines] = [constant('float32', shape, tables.cosines), constant('float32', shape, tables.sines)];

  return {
    embed: (ids) => cast(gather(table, ids, { axis: 0 }), 'float32'),
    forward: (embeddings, layout) => {
      const [batch, sequence] = embeddings.shape;
      const plan = layout
        ? plannedLayout({ cosines, sines }, layout, [batch, 1, sequence, config.headDim / 2])
        : causalLayout({ cosines, sines }, sequence);
      const attention = wholeAttention(config, plan, sequence);
      return norm(layers.reduce((x, layer) => layer(x, attention), embeddings));
    },
    extend: (embeddings, caches, positions) => {
      const { numAttentionHeads: heads, numKeyValueHeads: keyValueHeads } = config;
      const extended: LayerCache[] = [];
      const hidden = layers.reduce((x, layer, i) => {
        const past = { pastKey: caches[i].key, pastValue: caches[i].value };
        return layer(x, (query, key, value) => {
          const inputs = { query, key, value, ...past, ...positions, cosines, sines };
          const { output, presentKey, presentValue } = groupQueryAttention(inputs, { heads, keyValueHeads });
          extended.push({ key: presentKey, value: presentValue });
          return output;
        });
      }, embeddings);
      return { hidden: norm(hidden), caches: extended };
    },
    logits: head,
  };
}

/** Joint queries, keys and values [batch, sequence, heads * headDim], not yet rotated -> attended, shaped as the query. */
type Attention = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** Attention and gated MLP, each over the normalised input and added to it. */
function decoderLayer(scope: Scope, config: LlamaConfig): (x: Tensor, attention: Attention) => Tensor {
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads, rmsNormEps: epsilon } = config;
  const deviation = 0.02;
  const self = scope.at('self_attn');
  const projection = (name: string, heads: number) =>
    linear(self.at(name), hiddenSize, heads * headDim, { hasBias: config.hasQkvBias, deviation });
  const query = projection('q_proj', numAttentionHeads);
  const key = projection('k_proj', numKeyValueHeads);
  const value = projection('v_proj', numKeyValueHeads);
  const outputOptions = { hasBias: config.hasOutputBias, deviation };
  const output = linear(self.at('o_proj'), numAttentionHeads * headDim, hiddenSize, outputOptions);
  const feedForward = gatedMlp(scope.at('mlp'), config, deviation);
  const inputNorm = rmsNorm(scope.at('input_layernorm'), hiddenSize, { epsilon });
  const attentionNorm = rmsNorm(scope.at('post_attention_layernorm'), hiddenSize, { epsilon });
  return (x, attention) => {
    const normed = inputNorm(x);
    const attended = add(x, output(attention(query(normed), key(normed), value(normed))));
    return add(attended, feedForward(attentionNorm(attended)));
  };
}

/** down(silu(gate(x)) * up(x)) */
function gatedMlp(scope: Scope, { hiddenSize, intermediateSize, hasMlpBias }: LlamaConfig, deviation: number) {
  const options = { hasBias: hasMlpBias, deviation };
  const gate = linear(scope.at('gate_proj'), hiddenSize, intermediateSize, options);
  const up = linear(scope.at('up_proj'), hiddenSize, intermediateSize, options);
  const down = linear(scope.at('down_proj'), intermediateSize, hiddenSize, options);
  return (x: Tensor) => down(multiply(silu(gate(x)), up(x)));
}

/** Rotations, broadcast to [batch, heads, sequence, headDim / 2], and a mask, broadcast to [batch, 1, sequence, sequence]. */
interface AttentionPlan {
  cosines: Tensor;
  sines: Tensor;
  mask: Tensor;
}

type RotaryTables = Pick<AttentionPlan, 'cosines' | 'sines'>;

/** Every token sees itself and those before it. */
function causalLayout(tables: RotaryTables, sequence: Dim): AttentionPlan {
  const [rows, columns] = [reshape(range(sequence), [sequence, 1]), range(sequence)];
  const mask = where(lessOrEqual(columns, rows), constant('float32', [], [0]), constant('float32', [], [-1e9]));
  return {
    cosines: slice(tables.cosines, { axis: 0, end: sequence }),
    sines: slice(tables.sines, { axis: 0, end: sequence }),
    mask: reshape(mask, [1, 1, sequence, sequence]),
  };
}

function plannedLayout(
  tables: RotaryTables,
  { positions, mask }: SequenceLayout,
  shape: readonly Dim[],
): AttentionPlan {
  const [cosines, sines] = [tables.cosines, tables.sines].map((table) =>
    reshape(gather(table, positions, { axis: 0 }), shape),
  );
  return { cosines, sines, mask };
}

/** Attention within whole texts, in differentiable ops. */
function wholeAttention(
  { numAttentionHeads, numKeyValueHeads, headDim }: LlamaConfig,
  { cosines, sines, mask }: AttentionPlan,
  sequence: Dim,
): Attention {
  const sharing = numAttentionHeads / numKeyValueHeads;
  // Queries that share keys stand below each other: one product for the group, and no copies of keys.
  const groupRows = multiplyDims(sharing, sequence);
  const maskBatch = mask.shape[0];
  const groupMask =
    sharing === 1
      ? mask
      : reshape(expand(mask, [maskBatch, sharing, sequence, sequence]), [maskBatch, 1, groupRows, sequence]);
  return (query, key, value) => {
    const batch = query.shape[0];
    const q = rotate(splitHeads(query, numAttentionHeads), cosines, sines);
    const k = rotate(splitHeads(key, numKeyValueHeads), cosines, sines);
    const grouped = reshape(q, [batch, numKeyValueHeads, groupRows, headDim]);
    const attended = attend(grouped, k, splitHeads(value, numKeyValueHeads), groupMask);
    return mergeHeads(reshape(attended, [batch, numAttentionHeads, sequence, headDim]));
  };
}
