/**
 * Writes a smaller model: the folder of another one with the weights of its linear layers as integers. It loads by the
 * same path; `quantization` in its `config.json` says what was done.
 */

import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { WeightsMismatchError } from '../weights/match.ts';
import { quantizationPlan } from '../weights/quantize.ts';
import type { TensorToWrite } from '../weights/safetensors-writer.ts';
import { writeShardedSafetensors } from '../weights/sharded-writer.ts';
import { parseLlamaConfig } from './llama-config.ts';
import { languageParameters, notParameters, parseQuantization, type Quantization, readConfig } from './load.ts';

/** The hub's own limit for a shard. */
const maxShardBytes = 5e9;

/** Files that hold weights, or say where: everything else of a folder is copied. */
const weightFiles = /\.(safetensors|bin|pth|pt|gguf|h5|msgpack|onnx)$|\.index\.json$/;

export interface QuantizeOptions {
  /** The tensors that the written model shall have, by its configuration; those of a language model by default. */
  parametersOf?: (config: unknown, quantization: Quantization) => readonly WantedTensor[];
  onProgress?: (progress: { done: number; total: number; name: string }) => void;
}

interface WantedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Quantises the model in `source` into the new folder `target`. One tensor is in memory at a time. The folder appears
 * under its name only when it is complete.
 *
 * @throws ChatRexError 'invalid-argument' when the target exists or the source is quantised already; as
 *   `openCheckpoint` does; 'weights-mismatch' when the source's tensors are not the model's.
 */
export async function quantize(
  source: string,
  target: string,
  quantization: Quantization,
  { parametersOf = languageModelParameters, onProgress }: QuantizeOptions = {},
): Promise<void> {
  if (await stat(target).catch(() => undefined)) {
    throw new ChatRexError('invalid-argument', `${target} exists; give the name of a folder to be made`);
  }
  const config = (await readConfig(source)) as Record<string, unknown>;
  if (Object.keys(parseQuantization(config)).length > 0) {
    throw new ChatRexError('invalid-argument', `${source} is quantised already; start from the original`);
  }
  const checkpoint = await openCheckpoint(source);
  // Tied output embeddings are quantised as a layer of their own; the table that words are looked up in stays as it is.
  const tied = (name: string) =>
    name === 'lm_head.weight' && !checkpoint.tensors.has(name) ? 'model.embed_tokens.weight' : name;
  const wanted = parametersOf(config, quantization);
  requireAllUsed(checkpoint.tensors.keys(), wanted);
  const plan = quantizationPlan(checkpoint, wanted, tied);
  const temporary = join(dirname(resolve(target)), `.${basename(target)}.${process.pid}.tmp`);
  await mkdir(temporary, { recursive: true });
  try {
    for (const entry of await readdir(source, { withFileTypes: true })) {
      if (!entry.isDirectory() && !weightFiles.test(entry.name) && entry.name !== 'config.json') {
        await copyFile(join(source, entry.name), join(temporary, entry.name));
      }
    }
    await writeShardedSafetensors(temporary, withProgress(plan, onProgress), maxShardBytes);
    await writeFile(join(temporary, 'config.json'), `${JSON.stringify({ ...config, quantization }, undefined, 2)}\n`);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** @throws WeightsMismatchError for tensors that the written model would lack: they may belong to another model. */
function requireAllUsed(found: Iterable<string>, wanted: readonly WantedTensor[]): void {
  const names = new Set(wanted.map(({ name }) => name));
  const isKnown = (name: string) => names.has(name) || names.has(`${name}_scales`) || notParameters.test(name);
  const unexpected = [...found].filter((name) => !isKnown(name));
  if (unexpected.length > 0) throw new WeightsMismatchError([], unexpected, []);
}

function languageModelParameters(config: unknown, { language, vision }: Quantization) {
  if (vision) throw new ChatRexError('invalid-argument', 'this model has no vision part to quantise');
  return languageParameters(parseLlamaConfig(config), language ?? 'float');
}

function withProgress(plan: TensorToWrite[], onProgress: QuantizeOptions['onProgress']): TensorToWrite[] {
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
