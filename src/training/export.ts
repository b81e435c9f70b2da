/**
 * From run folders to a model folder that `ChatRex.load` and `Upn.load` read: half precision, without what only
 * trained.
 */

import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import { adapterNames, mergedWeight } from '../nn/low-rank.ts';
import { newTokensName, withNewTokens } from '../nn/new-tokens.ts';
import { float32ToFloat16 } from '../weights/float16.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { prefixes } from './checkpoint.ts';
import { checkpointFile } from './loop.ts';
import { isLearnedBeside, type LoraTraining } from './lora.ts';
import type { MllmTraining } from './mllm/config.ts';
import { tokenizerFile } from './mllm/tokenizer.ts';
import { modelWeightsFile, trainingOnly } from './model-folder.ts';
import { runFile } from './run.ts';
import type { UpnTraining } from './upn/stage.ts';

const configFile = 'config.json';

/** The files that may be written into `folder`. */
export const modelFiles = (folder: string): string[] => [
  join(folder, configFile),
  modelWeightsFile(folder),
  tokenizerFile(folder),
];

/**
 * Writes `config.json` and weights of a proposal network into `folder`. @throws ChatRexError when `run` trained none
 * @example await exportUpn('runs/upn', 'models/mine/upn');
 */
export async function exportUpn(run: string, folder: string): Promise<void> {
  const { upn } = await runSettings<UpnTraining>(run, 'upn');
  await exportWeights(run, folder);
  await writeJson(join(folder, configFile), { model_type: 'upn', ...upn });
}

/**
 * Writes `config.json`, weights and tokenizer of a multimodal model into `folder`. @throws ChatRexError as `exportUpn`
 * @example await exportMllm('runs/instruct', 'models/mine');
 */
export async function exportMllm(run: string, folder: string): Promise<void> {
  const { model, lora } = await runSettings<MllmTraining>(run, 'model');
  await exportWeights(run, folder, lora);
  await writeJson(join(folder, configFile), { model_type: 'chatrex', ...model });
  await copyFile(tokenizerFile(run), tokenizerFile(folder));
}

/** Averages where the run has them; an adapter is merged into the weight of its layer. */
async function exportWeights(run: string, folder: string, lora?: LoraTraining): Promise<void> {
  await mkdir(folder, { recursive: true });
  const prefix = prefixes.parameters;
  const file = await openSafetensors(checkpointFile(run));
  const kept = [...file.tensors.values()].filter(
    ({ name }) =>
      name.startsWith(prefix) &&
      !isLearnedBeside(name) &&
      !trainingOnly.some((start) => name.startsWith(prefix + start)),
  );
  const read = (name: string) =>
    file.readFloat32((file.tensors.has(prefixes.average + name) ? prefixes.average : prefix) + name);
  const valuesOf = async (name: string) => {
    const newTokens = newTokensName(name);
    if (file.tensors.has(prefix + newTokens)) return withNewTokens(await read(name), await read(newTokens));
    const adapter = adapterNames(name);
    if (!lora || !file.tensors.has(prefix + adapter.down)) return read(name);
    return mergedWeight(await read(name), await read(adapter.down), await read(adapter.up), lora);
  };
  const entries = kept.map(({ name, shape }) => ({
    name: name.slice(prefix.length),
    dtype: 'float16' as const,
    shape,
    data: async () => float32ToFloat16(await valuesOf(name.slice(prefix.length))),
  }));
  await writeSafetensors(modelWeightsFile(folder), entries, { format: 'pt', step: file.metadata.step });
}

/** The configuration that a run was started with. */
async function runSettings<Settings>(run: string, field: keyof Settings & string): Promise<Settings> {
  const path = runFile(run);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new ChatRexError('not-found', `${path} is missing; give a run folder of chatrex train`, { cause });
  });
  const { stage, settings } = JSON.parse(text) as { stage: string; settings: Settings };
  if (settings[field] === undefined) {
    throw new ChatRexError('invalid-argument', `${run} is a run of 'train ${stage}', which has no ${field} to export`);
  }
  return settings;
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeNamed(path, `${JSON.stringify(value, null, 2)}\n`);
