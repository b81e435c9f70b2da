/** Opens a language model from a folder in the Hugging Face layout: `config.json` and safetensors, sharded or not. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import type { Scope } from '../nn/scope.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import type { SessionOptions } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { quantizedName } from '../weights/quantize.ts';
import { storedWeights } from '../weights/storage.ts';
import type { StoredTensor } from '../weights/weight-file.ts';
import { readModelJson } from '../weights/wrong-content.ts';
import {
  type LanguageFormat,
  quantizedLanguageFormats,
  readingName,
  readingScope,
  writingScope,
} from './language-format.ts';
import { LanguageModel } from './language-model.ts';
import { llama } from './llama.ts';
import { type LlamaConfig, parseLlamaConfig } from './llama-config.ts';

/** Tables that old checkpoints carry along and that follow from the configuration. */
export const notParameters = /\.rotary_emb\.inv_freq$/;

/** Which linear layers of a folder are stored quantised: `quantization` in its `config.json`, written by `quantize`. */
const quantizationSchema = z
  .object({
    language: z.enum(quantizedLanguageFormats).optional(),
    vision: z.enum(['int8']).optional(),
  })
  .default({});

export type Quantization = z.infer<typeof quantizationSchema>;

/** All parameters of a language model as its folder stores them. */
export function languageParameters(config: LlamaConfig, format: LanguageFormat): ParameterAttributes[] {
  const parametersIn = (scope: Scope) => {
    const model = llama(scope, config, { maxPositions: 1 });
    const embeddings = model.embed(input('ids', 'int64', ['batch', 'sequence']));
    return [...graphOf({ logits: model.logits(model.forward(embeddings)) }).parameters.values()];
  };
  const parameters = parametersIn(writingScope(format));
  if (format !== 'int4+int8') return parameters;
  const known = new Set(parameters.map(({ name }) => name));
  const isInt4 = (name: string) => known.has(name.replace(quantizedName, '$1_q4'));
  const copies = parametersIn(readingScope()).filter(({ name }) => quantizedName.test(name) && isInt4(name));
  const ofLayers = copies.filter(({ name }) => !name.startsWith('lm_head.'));
  return [...parameters, ...ofLayers.map((copy) => ({ ...copy, name: readingName(copy.name) }))];
}

/**
 * The stored weights of a language model by parameter name.
 * @param tensors of the language model alone, by their names in it (`model.layers.0...`, `lm_head.weight`).
 * @throws ChatRexError 'weights-mismatch' when a tensor is missing, unexpected or mis-shaped.
 */
export function languageWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: LlamaConfig,
  format: LanguageFormat,
): Map<string, StoredWeight> {
  // Some writers store tied output embeddings a second time.
  const ignore = config.tieWordEmbeddings ? [notParameters, /^lm_head\.weight$/] : [notParameters];
  return storedWeights(languageParameters(config, format), tensors, { ignore });
}

/** The folder's `config.json`. @throws ChatRexError 'not-found'; as `readModelJson` does */
export async function readConfig(folder: string): Promise<unknown> {
  const path = join(folder, 'config.json');
  if (existsSync(path)) return readModelJson(path);
  throw new ChatRexError('not-found', `${path} cannot be read; give the folder of a model`);
}

export interface LoadLanguageOptions {
  /** Longest text to make room for; what the model was made for by default. */
  maxPositions?: number;
  session?: SessionOptions;
}

/**
 * Loads a Llama or Qwen2 folder as it comes from the hub, or one that `quantize` wrote.
 * @throws ChatRexError for a missing or malformed file, another architecture, or weights that do not fit.
 */
export async function loadLanguageModel(folder: string, options: LoadLanguageOptions = {}): Promise<LanguageModel> {
  const json = await readConfig(folder);
  const config = parseLlamaConfig(json);
  const { tensors } = await openCheckpoint(folder);
  const format = parseQuantization(json).language ?? 'float';
  return createLanguageModel(tensors, config, format, options);
}

/** A language model from tensors of an open checkpoint; see `languageWeights`. */
export function createLanguageModel(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: LlamaConfig,
  format: LanguageFormat,
  { maxPositions, session }: LoadLanguageOptions = {},
): Promise<LanguageModel> {
  const weights = languageWeights(tensors, config, format);
  const embeddingDType = embeddingDTypeOf(tensors);
  return LanguageModel.create(config, weights, { format, embeddingDType, maxPositions, session });
}

/** How the table of embeddings is held: half as large where it is stored so. */
export const embeddingDTypeOf = (tensors: ReadonlyMap<string, StoredTensor>): 'float16' | 'float32' =>
  /16$/.test(tensors.get('model.embed_tokens.weight')!.dtype) ? 'float16' : 'float32';

/** @throws ChatRexError 'unsupported' for a format that this version does not know. */
export function parseQuantization(json: unknown): Quantization {
  const parsed = quantizationSchema.safeParse((json as { quantization?: unknown }).quantization);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new ChatRexError('unsupported', `config.json: quantization.${path.join('.')}: ${message}`);
}
