/** Weights that a run starts from where another run left them. */

import { ChatRexError } from '../errors.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { ParameterSet } from './parameters.ts';

/** Where weights to start from lie in a checkpoint, and where they go. */
export interface InitialWeights {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export async function loadInitial(sources: readonly InitialWeights[], parameters: ParameterSet): Promise<void> {
  for (const { file: path, from, to } of sources) {
    const file = await openSafetensors(path);
    for (const [name, { data }] of parameters) {
      if (!name.startsWith(to)) continue;
      const source = from + name.slice(to.length);
      if (!file.tensors.has(source)) {
        throw new ChatRexError('weights-mismatch', `${path} has no ${source} for ${name}; give the run that has it`);
      }
      data.set(await file.readFloat32(source));
    }
  }
}
