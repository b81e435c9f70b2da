/**
 * The decoder-only language model of the paper's section 3.2: Llama (Vicuna) and Qwen2, one function for all.
 * Agrees with transformers' `modeling_llama.py` and `modeling_qwen2.py`; parameters carry their names.
 *
 * It reads embeddings, not token ids, so that image and object tokens can stand between words. Two forms share every
 * layer: `forward`, made of differentiable ops, for training; `extend`, which follows on a cache of keys and values.
 */

import { linear } from '../nn/linear.ts';
import { newTokens } from '../nn/new-tokens.ts';
import { rmsNorm } from '../nn/rms-norm.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { cast } from '../tensor/ops/cast.ts';
import { constant } from '../tensor/ops/constant.ts';
import { gather } from '../tensor/ops/gather.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { silu } from '../tensor/ops/silu.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type Attention,
  extendingAttention,
  type KeysAndValues,
  type SequenceLayout,
  wholeAttention,
} from './attention.ts';
import type { LlamaConfig } from './llama-config.ts';
import { rotaryTables } from './rotary.ts';

export interface Llama {
  /** int64 ids [...] -> float32 [..., hiddenSize]. */
  embed(ids: Tensor): Tensor;
  /**
   * Hidden states of whole texts, float32 [batch, sequence, hiddenSize] -> the same shape, after the last norm.
   * Shorter texts are padded at their end: a token sees only those before it, so padding changes no real token.
   * @param layout where several texts share a beginning; without it every token follows those before it.
   */
  forward(embeddings: Tensor, layout?: SequenceLayout): Tensor;
  /**
   * Hidden states of new tokens [batch, sequence, hiddenSize] that follow on those in the caches, and the keys and
   * values to add to these.
   * @param caches per layer; they may have room for more tokens than they hold.
   * @param lengths int64 [batch]: how many tokens each row holds; what lies behind them has no effect.
   */
  extend(
    embeddings: Tensor,
    caches: readonly KeysAndValues[],
    lengths: Tensor,
  ): { hidden: Tensor; added: KeysAndValues[] };
  /** Hidden states [..., hiddenSize] -> float32 [..., vocabSize]. */
  logits(hidden: Tensor): Tensor;
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
  const added = newTokens(model.at('embed_tokens'), vocabSize, hiddenSize);
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) =>
    decoderLayer(model.at(`layers.${i}`), config),
  );
  const norm = rmsNorm(model.at('norm'), hiddenSize, { epsilon: rmsNormEps });
  const isTied = config.tieWordEmbeddings && scope.linearFormat === 'float';
  const head = isTied
    ? (hidden: Tensor) => {
        const logits = matmul(hidden, cast(table, 'float32'), { transposeB: true });
        return added ? add(logits, added.logits(hidden)) : logits;
      }
    : linear(scope.at('lm_head'), hiddenSize, vocabSize, { hasBias: false, deviation });

  const maxPositions = options.maxPositions ?? config.maxPositionEmbeddings;
  const tables = rotaryTables(config, maxPositions);
  const shape = [maxPositions, config.headDim / 2];
  const [cosines, sines] = [constant('float32', shape, tables.cosines), constant('float32', shape, tables.sines)];

  return {
    embed: (ids) => {
      const rows = cast(gather(table, ids, { axis: 0 }), 'float32');
      return added ? add(rows, added.embed(ids)) : rows;
    },
    forward: (embeddings, layout) => {
      const attention = wholeAttention(config, { cosines, sines }, embeddings.shape, layout);
      return norm(layers.reduce((x, layer) => layer(x, attention), embeddings));
    },
    extend: (embeddings, caches, lengths) => {
      const added: KeysAndValues[] = [];
      const attention = extendingAttention(config, { cosines, sines }, embeddings.shape, caches[0], lengths);
      const hidden = layers.reduce((x, layer, i) => {
        return layer(x, (query, key, value) => {
          const { output, own } = attention(query, key, value, caches[i]);
          added.push(own);
          return output;
        });
      }, embeddings);
      return { hidden: norm(hidden), added };
    },
    logits: head,
  };
}

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
