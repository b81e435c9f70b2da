/** Weights that a run starts from: where another run left them, or a model folder, the bundled one for example. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { ChatRexError } from '../errors.ts';
import { readSourceRows } from '../prompt/tokenizer/source-rows.ts';
import { indexFileName, openCheckpoint } from '../weights/checkpoint.ts';
import { checkpointFile } from './loop.ts';
import { isLearnedBeside } from './lora.ts';
import { modelWeightsFile, trainingOnly } from './model-folder.ts';
import type { ParameterSet } from './parameters.ts';

/** Where weights to start from lie in a file, and where they go. */
export interface InitialWeights {
  /** A safetensors file, or the index of one in shards. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Whether the file is of a model folder, which has nothing that exists for training alone. */
  readonly isExported?: boolean;
  /** Where tokens have other ids: the `tokenizer.json` of the file and that of the run. Rows of embeddings follow. */
  readonly vocabulary?: { readonly from: string; readonly to: string };
}

/**
 * All weights of a run folder or a model folder whose names begin with `from`, for parameters that begin with `to`.
 * @throws ChatRexError 'not-found' when the folder is neither
 * @example await trainStage('upn', config, { folder, cacheFolder, initial: [await weightsOf('models/nano/upn')] });
 */
export async function weightsOf(folder: string, { from = '', to = '' } = {}): Promise<InitialWeights> {
  if (await exists(checkpointFile(folder))) return { file: checkpointFile(folder), from: `parameters.${from}`, to };
  for (const file of [modelWeightsFile(folder), join(folder, indexFileName)]) {
    if (await exists(file)) return { file, from, to, isExported: true };
  }
  throw new ChatRexError(
    'not-found',
    `${folder} holds neither a run nor a model; give a folder of chatrex train or export`,
  );
}

/** Later sources go over earlier ones. */
export async function loadInitial(sources: readonly InitialWeights[], parameters: ParameterSet): Promise<void> {
  for (const { file: path, from, to, isExported, vocabulary } of sources) {
    const file = await openCheckpoint(path);
    const rows = vocabulary && (await readSourceRows(vocabulary));
    for (const [name, { data, shape }] of parameters) {
      if (!name.startsWith(to)) continue;
      const source = from + name.slice(to.length);
      const stored = file.tensors.get(source);
      if (stored) {
        const values = await file.readFloat32(source);
        if (rows && tokenRows.has(name)) moveRows(values, data, shape[1], rows);
        else if (values.length === data.length) data.set(values);
        else {
          const came = `${path} has ${source} as [${stored.shape}], ${name} is [${shape}]`;
          throw new ChatRexError('weights-mismatch', `${came}; give a run or model of the same configuration`);
        }
      } else if (isLearnedBeside(name)) continue;
      else if (!isExported || !trainingOnly.some((start) => name.startsWith(start))) {
        if (file.tensors.has(`${source}_q8`)) {
          throw new ChatRexError(
            'unsupported',
            `${path} holds ${source} in int8; train from the float model it came of`,
          );
        }
        throw new ChatRexError('weights-mismatch', `${path} has no ${source} for ${name}; give the run that has it`);
      }
    }
  }
}

/** Parameters of a language model whose rows are tokens. */
const tokenRows = new Set(['model.embed_tokens.weight', 'lm_head.weight']);

/**
 * A token starts as the mean of those that say the same. One that nothing says starts around the mean of all, from
 * which the embeddings of trained models are not far.
 */
function moveRows(values: Float32Array, data: Float32Array, width: number, rows: readonly (readonly number[])[]): void {
  const mean = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width] += (values[i] * width) / values.length;
  rows.forEach((sources, row) => {
    const to = data.subarray(row * width, (row + 1) * width);
    if (sources.length === 0) {
      for (let i = 0; i < width; i++) to[i] += mean[i];
      return;
    }
    to.fill(0);
    for (const source of sources) {
      for (let i = 0; i < width; i++) to[i] += values[source * width + i] / sources.length;
    }
  });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
