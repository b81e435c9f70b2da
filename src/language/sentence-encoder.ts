/**
 * Short texts as vectors of length 1, so that their product says how much they mean the same: all-MiniLM-L6-v2 and
 * other BERT encoders with mean pooling, from a folder as sentence-transformers keeps them. Agrees with
 * sentence-transformers.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { createScope } from '../nn/scope.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session, type SessionOptions } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { divide } from '../tensor/ops/divide.ts';
import { input } from '../tensor/ops/input.ts';
import { maximum } from '../tensor/ops/maximum.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { sqrt } from '../tensor/ops/sqrt.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { storedWeights } from '../weights/storage.ts';
import { type BertConfig, bert } from './bert.ts';
import { readConfig } from './load.ts';

const configSchema = z.object({
  model_type: z.literal('bert'),
  hidden_act: z.literal('gelu'),
  position_embedding_type: z.literal('absolute').default('absolute'),
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  type_vocab_size: z.int().positive(),
  layer_norm_eps: z.number().positive(),
});

/** Positions follow from the shape, and the pooler of BERT is not what pools sentences. */
const notParameters = [/^embeddings\.position_ids$/, /^pooler\./];

/** Texts at once: a few names keep the processor busy. */
const batchSize = 64;

export class SentenceEncoder {
  /** Width of a vector. */
  readonly width: number;
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #session: Session<'vectors'>;
  readonly #marks: { readonly start: number; readonly end: number };
  readonly #maxTokens: number;

  private constructor(
    width: number,
    tokenizer: HuggingFaceTokenizer,
    session: Session<'vectors'>,
    marks: { start: number; end: number },
    maxTokens: number,
  ) {
    this.width = width;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#marks = marks;
    this.#maxTokens = maxTokens;
  }

  /**
   * Loads a folder with `config.json`, `tokenizer.json` and `model.safetensors`; `1_Pooling/config.json` must not ask
   * for another pooling than the mean.
   * @throws ChatRexError 'not-found', 'invalid-file', 'unsupported' for another architecture, 'weights-mismatch'
   * @example const encoder = await SentenceEncoder.load('all-MiniLM-L6-v2');
   */
  static async load(folder: string, options: SessionOptions = {}): Promise<SentenceEncoder> {
    const config = parseBertConfig(await readConfig(folder), folder);
    await requireMeanPooling(folder);
    const { tokenizer, marks } = await loadTokenizer(folder);
    const maxTokens = await maxTokensOf(folder, config);
    const { tensors } = await openCheckpoint(folder);
    const outputs = { vectors: sentenceVectors(config) };
    const parameters = graphOf(outputs).parameters.values();
    const session = await Session.create(
      outputs,
      storedWeights(parameters, tensors, { ignore: notParameters }),
      options,
    );
    return new SentenceEncoder(config.hiddenSize, tokenizer, session, marks, maxTokens);
  }

  /** Token ids of a text with the marks around it, cut to the longest that the model takes. */
  tokens(text: string): number[] {
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return [this.#marks.start, ...ids.slice(0, this.#maxTokens - 2), this.#marks.end];
  }

  /** One vector of length 1 for each text, [N][width]. Equal texts are encoded once. */
  async encode(texts: readonly string[]): Promise<Float32Array[]> {
    const vectors = new Map<string, Float32Array>();
    // Equally long texts go together, so that nothing is padded.
    const byLength = new Map<number, { text: string; ids: number[] }[]>();
    for (const text of new Set(texts)) {
      const ids = this.tokens(text);
      const items = byLength.get(ids.length);
      if (items) items.push({ text, ids });
      else byLength.set(ids.length, [{ text, ids }]);
    }
    for (const [length, items] of byLength) {
      for (let from = 0; from < items.length; from += batchSize) {
        const batch = items.slice(from, from + batchSize);
        const rows = await this.#encodeBatch(
          batch.map(({ ids }) => ids),
          length,
        );
        batch.forEach(({ text }, i) => {
          vectors.set(text, rows.slice(i * this.width, (i + 1) * this.width));
        });
      }
    }
    return texts.map((text) => vectors.get(text) as Float32Array);
  }

  async #encodeBatch(ids: readonly number[][], length: number): Promise<Float32Array> {
    const positions = Array.from({ length }, (_, i) => i);
    const { vectors } = await this.#session.run({
      ids: hostTensor('int64', [ids.length, length], ids.flat()),
      positions: hostTensor('int64', [length], positions),
    });
    return vectors.data as Float32Array;
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** ids [B, L] -> the mean over L of the hidden states, scaled to length 1: [B, hiddenSize]. */
function sentenceVectors(config: BertConfig): Tensor {
  const ids = input('ids', 'int64', ['batch', 'length']);
  const positions = input('positions', 'int64', ['length']);
  const mean = reduceMean(bert(createScope(), config)(ids, positions), { axes: [1] });
  const length = sqrt(reduceSum(multiply(mean, mean), { axes: [-1], keepDims: true }));
  return divide(mean, maximum(length, 1e-12));
}

function parseBertConfig(json: unknown, folder: string): BertConfig {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const what = 'expected a BERT encoder such as all-MiniLM-L6-v2';
    throw new ChatRexError('unsupported', `${join(folder, 'config.json')}: ${path.join('.')}: ${message}; ${what}`);
  }
  const { data } = parsed;
  return {
    vocabSize: data.vocab_size,
    hiddenSize: data.hidden_size,
    intermediateSize: data.intermediate_size,
    numHiddenLayers: data.num_hidden_layers,
    numAttentionHeads: data.num_attention_heads,
    maxPositionEmbeddings: data.max_position_embeddings,
    typeVocabSize: data.type_vocab_size,
    layerNormEps: data.layer_norm_eps,
  };
}

/** A JSON file of the folder; undefined when it is not there. */
async function optionalJson(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new ChatRexError('invalid-file', `${path} cannot be read (${cause.code})`, { cause });
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path}: expected JSON; download the file again`, { cause });
  }
}

async function requireMeanPooling(folder: string): Promise<void> {
  const path = join(folder, '1_Pooling', 'config.json');
  const pooling = await optionalJson(path);
  const modes = Object.entries(pooling ?? {}).filter(
    ([name, isOn]) => name.startsWith('pooling_mode_') && isOn === true,
  );
  const other = modes.find(([name]) => name !== 'pooling_mode_mean_tokens');
  if (other)
    throw new ChatRexError('unsupported', `${path}: expected pooling_mode_mean_tokens alone, came ${other[0]}`);
}

async function maxTokensOf(folder: string, config: BertConfig): Promise<number> {
  const own = (await optionalJson(join(folder, 'sentence_bert_config.json')))?.max_seq_length;
  return typeof own === 'number' ? Math.min(own, config.maxPositionEmbeddings) : config.maxPositionEmbeddings;
}

async function loadTokenizer(folder: string) {
  const path = join(folder, 'tokenizer.json');
  const json = await optionalJson(path);
  if (!json) throw new ChatRexError('not-found', `${path}: no such file; give the folder of a sentence encoder`);
  const model = json.model as { type?: string; vocab?: Record<string, number> } | undefined;
  const [start, end] = ['[CLS]', '[SEP]'].map((mark) => model?.vocab?.[mark]);
  if (model?.type !== 'WordPiece' || start === undefined || end === undefined) {
    throw new ChatRexError('unsupported', `${path}: expected WordPiece with [CLS] and [SEP], came ${model?.type}`);
  }
  // Marks are put around by us, so that a text that holds "[SEP]" is text.
  const plain = { ...json, added_tokens: [], post_processor: null, truncation: null, padding: null };
  const tokenizer = new HuggingFaceTokenizer(plain as never, {});
  return { tokenizer, marks: { start, end } };
}
