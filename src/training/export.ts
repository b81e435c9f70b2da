/** From run folders to a model folder that `ChatRex.load` and `Upn.load` read: half precision, without what only trained. */

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChatRexConfig } from '../chatrex/config.ts';
import type { UpnConfig } from '../proposals/config.ts';
import { float32ToFloat16 } from '../weights/float16.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { tokenizerFile } from './mllm/tokenizer.ts';
import { checkpointFile } from './train.ts';

/** Beginnings of parameters that exist for training alone. */
const trainingOnly = ['denoising.', 'naming.'];
const weightsFile = 'model.safetensors';
const configFile = 'config.json';

/** Writes `config.json` and weights of a proposal network into `folder`. */
export async function exportUpn(run: string, config: UpnConfig, folder: string): Promise<void> {
  await exportWeights(run, folder);
  await writeJson(join(folder, configFile), { model_type: 'upn', ...config });
}

/** Writes `config.json`, weights and tokenizer of a multimodal model into `folder`. */
export async function exportMllm(run: string, config: ChatRexConfig, folder: string): Promise<void> {
  await exportWeights(run, folder);
  await writeJson(join(folder, configFile), { model_type: 'chatrex', ...config });
  await copyFile(tokenizerFile(run), tokenizerFile(folder));
}

async function exportWeights(run: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const prefix = 'parameters.';
  const file = await openSafetensors(checkpointFile(run));
  const kept = [...file.tensors.values()].filter(
    ({ name }) => name.startsWith(prefix) && !trainingOnly.some((start) => name.startsWith(prefix + start)),
  );
  const entries = kept.map(({ name, shape }) => ({
    name: name.slice(prefix.length),
    dtype: 'float16' as const,
    shape,
    data: async () => float32ToFloat16(await file.readFloat32(name)),
  }));
  await writeSafetensors(join(folder, weightsFile), entries, { format: 'pt', step: file.metadata.step });
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
