/**
 * A language model from a GGUF file as a folder in the Hugging Face layout, which `loadLanguageModel` and everybody
 * else opens.
 *
 * Llama architectures with byte-level vocabularies (SmolLM2 and its like). Agrees with `convert_hf_to_gguf.py` of
 * llama.cpp read backwards, and with transformers' `gguf_file` loading.
 */

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import {
  byteLevelTokenizerJson,
  type Step,
  specialToken,
  type TokenizerJson,
} from '../prompt/tokenizer/tokenizer-json.ts';
import { float32ToFloat16 } from '../weights/float16.ts';
import { type GgufFile, type GgufTensor, openGguf } from '../weights/gguf.ts';
import type { TensorToWrite } from '../weights/safetensors-writer.ts';
import { writeShardedSafetensors } from '../weights/sharded-writer.ts';

export interface GgufFolderOptions {
  /** How weights are stored; half precision by default, which rounds what the file says by a two-thousandth at most. */
  readonly dtype?: 'float16' | 'float32';
  /** Largest file of weights, unless a single tensor is larger; the hub's own limit by default. */
  readonly maxShardBytes?: number;
  /** Called before each tensor. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly name: string }) => void;
}

const hubShardBytes = 5e9;

const positive = z.int().positive();
const tokens = z.array(z.string()).min(1);

/** What of a file's metadata is needed; the rest is let be. */
const metadataSchema = z.object({
  'general.architecture': z.literal('llama'),
  'llama.block_count': positive,
  'llama.context_length': positive,
  'llama.embedding_length': positive,
  'llama.feed_forward_length': positive,
  'llama.attention.head_count': positive,
  'llama.attention.head_count_kv': positive.optional(),
  'llama.attention.layer_norm_rms_epsilon': z.number().positive(),
  'llama.rope.freq_base': z.number().positive().default(10_000),
  'llama.rope.dimension_count': positive.optional(),
  'llama.rope.scaling.type': z.literal('none').optional(),
  'tokenizer.ggml.model': z.literal('gpt2'),
  'tokenizer.ggml.pre': z.enum(['smollm', 'gpt-2', 'default']).default('default'),
  'tokenizer.ggml.tokens': tokens,
  'tokenizer.ggml.token_type': z.array(z.int()),
  'tokenizer.ggml.merges': tokens,
  'tokenizer.ggml.bos_token_id': z.int().nonnegative().optional(),
  'tokenizer.ggml.eos_token_id': z.int().nonnegative(),
  'tokenizer.ggml.add_bos_token': z.union([z.boolean(), z.int()]).optional(),
  'tokenizer.chat_template': z.string().optional(),
});

type Metadata = z.infer<typeof metadataSchema>;

/** Tokens that are no text, by llama.cpp's numbers: control tokens and those that users added. */
const specialTypes = new Set([3, 4]);

/** How GPT-2 cuts text into words, inside of which merges stay (a fact of those models). */
const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Writes `config.json`, `tokenizer.json`, `tokenizer_config.json` and the weights into the new folder `target`. One
 * tensor is in memory at a time.
 * @throws ChatRexError as `openGguf` does; 'unsupported' for another architecture or vocabulary; 'weights-mismatch' for
 *   a tensor that a Llama does not have; 'invalid-argument' when the folder exists
 * @example await writeGgufFolder('SmolLM2-135M-Instruct.Q4_1.gguf', 'smollm2');
 */
export async function writeGgufFolder(source: string, target: string, options: GgufFolderOptions = {}): Promise<void> {
  const { dtype = 'float16', maxShardBytes = hubShardBytes, onProgress } = options;
  const file = await openGguf(source);
  const metadata = checkedMetadata(file);
  if (await stat(target).catch(() => undefined)) {
    throw new ChatRexError('invalid-argument', `${target} exists; give the name of a folder to be made`);
  }
  let done = 0;
  const total = file.tensors.size;
  const entries = [...file.tensors.values()].map((tensor) =>
    entryOf(file, tensor, metadata, dtype, (name) => onProgress?.({ done: done++, total, name })),
  );
  await mkdir(target, { recursive: true });
  await writeJson(join(target, 'tokenizer.json'), tokenizerJson(metadata));
  await writeJson(join(target, 'tokenizer_config.json'), tokenizerConfig(metadata));
  await writeShardedSafetensors(target, entries, maxShardBytes);
  // Last, so that a folder that was not finished does not look like a model.
  await writeJson(join(target, 'config.json'), configJson(metadata, file, dtype));
}

function checkedMetadata({ path, metadata }: GgufFile): Metadata {
  const parsed = metadataSchema.safeParse(Object.fromEntries(metadata));
  if (!parsed.success) {
    const [{ path: field, message }] = parsed.error.issues;
    const came = metadata.get(String(field[0]));
    const what = typeof came === 'object' ? '' : `, came ${JSON.stringify(came) ?? 'nothing'}`;
    throw new ChatRexError('unsupported', `${path}: ${field.join('.')}: ${message}${what}`);
  }
  const { data } = parsed;
  const [{ length: count }, { length: types }] = [data['tokenizer.ggml.tokens'], data['tokenizer.ggml.token_type']];
  if (count === types) return data;
  throw new ChatRexError('invalid-file', `${path}: ${count} tokens, but types of ${types}`);
}

function configJson(metadata: Metadata, { tensors }: GgufFile, dtype: string): Record<string, unknown> {
  const heads = metadata['llama.attention.head_count'];
  const { 'llama.embedding_length': hiddenSize } = metadata;
  return {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: hiddenSize,
    intermediate_size: metadata['llama.feed_forward_length'],
    num_hidden_layers: metadata['llama.block_count'],
    num_attention_heads: heads,
    num_key_value_heads: metadata['llama.attention.head_count_kv'] ?? heads,
    head_dim: metadata['llama.rope.dimension_count'] ?? hiddenSize / heads,
    vocab_size: metadata['tokenizer.ggml.tokens'].length,
    max_position_embeddings: metadata['llama.context_length'],
    // The file has it as float32; 1e-5 is what was meant.
    rms_norm_eps: Number(metadata['llama.attention.layer_norm_rms_epsilon'].toPrecision(6)),
    rope_theta: metadata['llama.rope.freq_base'],
    hidden_act: 'silu',
    tie_word_embeddings: !tensors.has('output.weight'),
    bos_token_id: metadata['tokenizer.ggml.bos_token_id'],
    eos_token_id: metadata['tokenizer.ggml.eos_token_id'],
    torch_dtype: dtype,
  };
}

/** A byte-level BPE. SmolLM's also takes every digit for itself. */
function tokenizerJson(metadata: Metadata): TokenizerJson {
  const pieces = metadata['tokenizer.ggml.tokens'];
  const types = metadata['tokenizer.ggml.token_type'];
  const special = pieces.flatMap((piece, id) => (specialTypes.has(types[id]) ? [specialToken(id, piece)] : []));
  const json = byteLevelTokenizerJson({
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    merges: metadata['tokenizer.ggml.merges'],
    pattern: gpt2Pattern,
    normalizer: null,
    special,
  });
  if (metadata['tokenizer.ggml.pre'] !== 'smollm') return json;
  // As the step `Digits`, which not every library takes to mean all numerals.
  const digits: Step = { type: 'Split', pattern: { Regex: '\\p{N}' }, behavior: 'Isolated', invert: false };
  const { pretokenizers } = json.pre_tokenizer as Step & { pretokenizers: Step[] };
  return { ...json, pre_tokenizer: { type: 'Sequence', pretokenizers: [digits, ...pretokenizers] } };
}

function tokenizerConfig(metadata: Metadata): Record<string, unknown> {
  const pieces = metadata['tokenizer.ggml.tokens'];
  const bos = metadata['tokenizer.ggml.bos_token_id'];
  return {
    tokenizer_class: 'GPT2Tokenizer',
    add_bos_token: Boolean(metadata['tokenizer.ggml.add_bos_token']),
    ...(bos !== undefined && { bos_token: pieces[bos] }),
    eos_token: pieces[metadata['tokenizer.ggml.eos_token_id']],
    model_max_length: metadata['llama.context_length'],
    chat_template: metadata['tokenizer.chat_template'],
  };
}

/** Names of the parts of a block, here and there. */
const blockNames: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const topNames: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

function entryOf(
  file: GgufFile,
  tensor: GgufTensor,
  metadata: Metadata,
  dtype: 'float16' | 'float32',
  onBegin: (name: string) => void,
): TensorToWrite {
  const { name: stored, shape } = tensor;
  const name = parameterName(file.path, stored);
  const heads = headsOf(stored, metadata);
  return {
    name,
    dtype,
    shape,
    data: async () => {
      onBegin(name);
      const values = await file.readFloat32(stored);
      const ordered = heads === undefined ? values : halvesOfHeads(values, shape[0], heads);
      return dtype === 'float32' ? ordered : float32ToFloat16(ordered);
    },
  };
}

function parameterName(path: string, stored: string): string {
  const [, block, part, kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(stored) ?? [];
  const name =
    block === undefined ? topNames[stored] : blockNames[part] && `model.layers.${block}.${blockNames[part]}.${kind}`;
  if (name) return name;
  throw new ChatRexError(
    'weights-mismatch',
    `${path}: ${JSON.stringify(stored)} is no tensor of a Llama that is read here`,
  );
}

/** Queries and keys, whose rows the format orders otherwise, have so many heads. */
function headsOf(stored: string, metadata: Metadata): number | undefined {
  const heads = metadata['llama.attention.head_count'];
  if (/\.attn_q\./.test(stored)) return heads;
  return /\.attn_k\./.test(stored) ? (metadata['llama.attention.head_count_kv'] ?? heads) : undefined;
}

/**
 * The format keeps the two rows that a rotation turns side by side; transformers keeps the first of all pairs of a
 * head, then the second. [heads, d / 2, 2, columns] -> [heads, 2, d / 2, columns]
 */
function halvesOfHeads(values: Float32Array, rows: number, heads: number): Float32Array {
  const columns = values.length / rows;
  const pairs = rows / heads / 2;
  const ordered = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [head, pair, side] = [Math.floor(row / (2 * pairs)), Math.floor((row % (2 * pairs)) / 2), row % 2];
    const to = head * 2 * pairs + side * pairs + pair;
    ordered.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return ordered;
}

async function writeJson(path: string, json: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(json, null, 1)}\n`);
  await writeBeside(path, (file) => writeAll(file, bytes));
}
