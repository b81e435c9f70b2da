/**
 * What a decoder-only language model of the Llama family looks like, read from a Hugging Face `config.json`.
 * Agrees with transformers' LlamaConfig and Qwen2Config, in the spelling of version 4 (`rope_theta`, `rope_scaling`)
 * and of version 5 (`rope_parameters`). What the model code does not compute is refused, never ignored.
 */

import { z } from 'zod';
import { ChatRexError } from '../errors.ts';

/** How positions become angles; see `rotaryTables`. */
export type RopeScaling =
  | { readonly type: 'default' }
  /** Positions divided by `factor`. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1: slow frequencies divided by `factor`, fast ones kept, a ramp between. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    };

export interface LlamaConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** Biases of q, k and v (Qwen2 always; Llama where `attention_bias`). */
  readonly hasQkvBias: boolean;
  /** Bias of the attention's output projection (Llama where `attention_bias`). */
  readonly hasOutputBias: boolean;
  readonly hasMlpBias: boolean;
  /** Output embeddings are the input embeddings. */
  readonly tieWordEmbeddings: boolean;
  /** Tokens that end a text. */
  readonly eosTokenIds: readonly number[];
}

const count = z.int().positive();

const ropeSchema = z.object({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: count.optional(),
});

const configSchema = z.object({
  model_type: z.string(),
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  vocab_size: count,
  max_position_embeddings: count.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  hidden_act: z.string().default('silu'),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

/**
 * @param json the parsed `config.json`; keys that do not concern the language model are let be.
 * @throws ChatRexError 'invalid-file' for missing or malformed fields, 'unsupported' for another architecture.
 */
export function parseLlamaConfig(json: unknown): LlamaConfig {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ChatRexError('invalid-file', `config.json: ${path.join('.') || 'top level'}: ${message}`);
  }
  const config = parsed.data;
  const isQwen2 = config.model_type === 'qwen2';
  require(isQwen2 || config.model_type === 'llama', `model_type '${config.model_type}'`, "'llama' or 'qwen2'");
  require(config.hidden_act === 'silu', `hidden_act '${config.hidden_act}'`, "'silu'");
  require(!config.use_sliding_window, 'use_sliding_window true', 'false');
  const eos = config.eos_token_id ?? [];
  return {
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numHiddenLayers: config.num_hidden_layers,
    numAttentionHeads: config.num_attention_heads,
    numKeyValueHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headDim: config.head_dim ?? config.hidden_size / config.num_attention_heads,
    vocabSize: config.vocab_size,
    maxPositionEmbeddings: config.max_position_embeddings,
    rmsNormEps: config.rms_norm_eps,
    ropeTheta: config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000,
    ropeScaling: parseRope(config.rope_parameters ?? config.rope_scaling ?? {}),
    hasQkvBias: isQwen2 || config.attention_bias,
    hasOutputBias: !isQwen2 && config.attention_bias,
    hasMlpBias: !isQwen2 && config.mlp_bias,
    tieWordEmbeddings: config.tie_word_embeddings,
    eosTokenIds: Array.isArray(eos) ? eos : [eos],
  };
}

function parseRope(rope: z.infer<typeof ropeSchema>): RopeScaling {
  const type = rope.rope_type ?? rope.type ?? 'default';
  const need = (key: keyof typeof rope): number => {
    const value = rope[key];
    if (typeof value === 'number') return value;
    throw new ChatRexError('invalid-file', `config.json: rope of type '${type}' needs ${key}`);
  };
  if (type === 'default') return { type };
  if (type === 'linear') return { type, factor: need('factor') };
  require(type === 'llama3', `rope type '${type}'`, "'default', 'linear' or 'llama3'");
  return {
    type: 'llama3',
    factor: need('factor'),
    lowFreqFactor: need('low_freq_factor'),
    highFreqFactor: need('high_freq_factor'),
    originalMaxPositionEmbeddings: need('original_max_position_embeddings'),
  };
}

function require(isMet: boolean, came: string, expected: string): void {
  if (!isMet) throw new ChatRexError('unsupported', `config.json has ${came}; this project computes ${expected}`);
}
