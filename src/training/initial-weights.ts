/** Weights that a run starts from: where another run left them, or a model folder, the bundled one for example. */

import { stat } from 'node:fs/promises';

import { ChatRexError } from '../errors.ts';
import { isAdapter } from '../nn/low-rank.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { checkpointFile } from './loop.ts';
import { modelWeightsFile, trainingOnly } from './model-folder.ts';
import type { ParameterSet } from './parameters.ts';

/** Where weights to start from lie in a file, and where they go. */
export interface InitialWeights {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Whether the file is of a model folder, which has nothing that exists for training alone. */
  readonly isExported?: boolean;
}

/**
 * All weights of a run folder or a model folder whose names begin with `from`, for parameters that begin with `to`.
 * @throws ChatRexError 'not-found' when the folder is neither
 * @example await trainStage('upn', config, { folder, cacheFolder, initial: [await weightsOf('models/nano/upn')] });
 */
export async function weightsOf(folder: string, { from = '', to = '' } = {}): Promise<InitialWeights> {
  if (await exists(checkpointFile(folder))) return { file: checkpointFile(folder), from: `parameters.${from}`, to };
  if (await exists(modelWeightsFile(folder))) return { file: modelWeightsFile(folder), from, to, isExported: true };
  throw new ChatRexError(
    'not-found',
    `${folder} holds neither a run nor a model; give a folder of chatrex train or export`,
  );
}

/** Later sources go over earlier ones. */
export async function loadInitial(sources: readonly InitialWeights[], parameters: ParameterSet): Promise<void> {
  for (const { file: path, from, to, isExported } of sources) {
    const file = await openSafetensors(path);
    for (const [name, { data }] of parameters) {
      if (!name.startsWith(to)) continue;
      const source = from + name.slice(to.length);
      if (file.tensors.has(source)) data.set(await file.readFloat32(source));
      else if (isAdapter(name)) continue;
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

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
