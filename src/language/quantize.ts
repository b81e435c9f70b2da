/**
 * Writes a smaller model: the folder of another one with the weights of its linear layers as integers. It loads by the
 * same path; `quantization` in its `config.json` says what was done.
 */

import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { WeightsMismatchError } from '../weights/match.ts';
import { quantizationPlan } from '../weights/quantize.ts';
import type { TensorToWrite } from '../weights/safetensors-writer.ts';
import { writeShardedSafetensors } from '../weights/sharded-writer.ts';
import { createWeightFile, locatedBytes, type WeightFile } from '../weights/weight-file.ts';
import { parseLlamaConfig } from './llama-config.ts';
import { languageParameters, notParameters, parseQuantization, type Quantization, readConfig } from './load.ts';

/** The hub's own limit for a shard. */
const maxShardBytes = 5e9;

/** Files that hold weights, or say where: everything else of a folder is copied. */
const weightFiles = /\.(safetensors|bin|pth|pt|gguf|h5|msgpack|onnx)$|\.index\.json$/;

/** How far a quantisation is, in tensors. */
export interface QuantizeProgress {
  readonly done: number;
  readonly total: number;
  /** The tensor being written. */
  readonly name: string;
}

/** What the written model is to hold. */
export interface TargetLayout {
  /** All its tensors: parameters of the same model, built with quantised linear layers. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The parameter's name of a tensor of the source. */
  readonly parameterName: (stored: string) => string;
  /** Tensors of the source, by parameter name, that are no parameters. */
  readonly ignore: readonly RegExp[];
}

/**
 * Quantises the model in `source` into the new folder `target`; files that hold no weights, and folders, are copied.
 * One tensor is in memory at a time. The folder appears under its name only when it is complete.
 *
 * @param layoutOf the written model's layout, by the source's configuration
 * @throws ChatRexError 'invalid-argument' when the target exists or the source is quantised already; as
 *   `openCheckpoint` does; 'weights-mismatch' when the source's tensors are not the model's.
 */
export async function quantizeFolder(
  source: string,
  target: string,
  quantization: Quantization,
  layoutOf: (config: unknown) => TargetLayout,
  onProgress?: (progress: QuantizeProgress) => void,
): Promise<void> {
  await requireNew(target);
  const config = await readOriginal(source);
  const layout = layoutOf(config);
  const checkpoint = renamed(await openCheckpoint(source), layout.parameterName);
  requireAllUsed(checkpoint, layout);
  // Tied output embeddings are quantised as a layer of their own; the table that words are looked up in stays as it is.
  const sourceOf = (name: string) =>
    name === 'lm_head.weight' && !checkpoint.tensors.has(name) ? 'model.embed_tokens.weight' : name;
  const plan = quantizationPlan(checkpoint, layout.parameters, sourceOf);
  const temporary = join(dirname(resolve(target)), `.${basename(target)}.${process.pid}.tmp`);
  await mkdir(temporary, { recursive: true });
  try {
    await copyOthers(source, temporary);
    await writeShardedSafetensors(temporary, withProgress(plan, onProgress), maxShardBytes);
    await writeNamed(join(temporary, 'config.json'), `${JSON.stringify({ ...config, quantization }, undefined, 2)}\n`);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** @throws ChatRexError 'invalid-argument' when the folder to be made exists */
export async function requireNew(target: string): Promise<void> {
  if (!(await stat(target).catch(() => undefined))) return;
  throw new ChatRexError('invalid-argument', `${target} exists; give the name of a folder to be made`);
}

/** The configuration of a model that is not quantised. @throws ChatRexError 'invalid-argument' when it is */
export async function readOriginal(source: string): Promise<Record<string, unknown>> {
  const config = (await readConfig(source)) as Record<string, unknown>;
  if (Object.keys(parseQuantization(config)).length === 0) return config;
  throw new ChatRexError('invalid-argument', `${source} is quantised already; start from the original`);
}

/** Quantises a Llama or Qwen2 folder; see `quantizeFolder`. */
export function quantizeLanguageModel(
  source: string,
  target: string,
  language: NonNullable<Quantization['language']>,
  onProgress?: (progress: QuantizeProgress) => void,
): Promise<void> {
  const layoutOf = (config: unknown): TargetLayout => ({
    parameters: languageParameters(parseLlamaConfig(config), language),
    parameterName: (stored) => stored,
    ignore: [notParameters],
  });
  return quantizeFolder(source, target, { language }, layoutOf, onProgress);
}

/** The same tensors under the names of parameters. */
export function renamed(file: WeightFile, parameterName: (stored: string) => string): WeightFile {
  const tensors = [...file.tensors].map(([stored, tensor]) => [parameterName(stored), tensor] as const);
  return createWeightFile(file.path, file.metadata, new Map(tensors), locatedBytes);
}

/** @throws WeightsMismatchError for tensors that the written model would lack: they may belong to another model. */
export function requireAllUsed({ tensors }: WeightFile, { parameters, ignore }: TargetLayout): void {
  const names = new Set(parameters.map(({ name }) => name));
  const isKnown = (name: string) =>
    names.has(name) || names.has(`${name}_scales`) || ignore.some((it) => it.test(name));
  const unexpected = [...tensors.keys()].filter((name) => !isKnown(name));
  if (unexpected.length > 0) throw new WeightsMismatchError([], unexpected, []);
}

/** Copies what a model folder holds besides its weights and its configuration. */
export async function copyOthers(source: string, target: string): Promise<void> {
  for (const name of await readdir(source)) {
    if (weightFiles.test(name) || name === 'config.json') continue;
    // Folders of the hub's cache hold links; what they point to is wanted.
    await cp(join(source, name), join(target, name), { recursive: true, dereference: true });
  }
}

function withProgress(plan: TensorToWrite[], onProgress?: (progress: QuantizeProgress) => void): TensorToWrite[] {
  let done = 0;
  return plan.map((entry) => {
    const { data } = entry;
    if (typeof data !== 'function') return entry;
    return {
      ...entry,
      data: () => {
        onProgress?.({ done: done++, total: plan.length, name: entry.name });
        return data();
      },
    };
  });
}
