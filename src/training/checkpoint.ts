/** Everything a run needs to go on as if it had not stopped: weights, moments, step. One file, replaced as a whole. */

import { ChatRexError } from '../errors.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../weights/safetensors-writer.ts';
import type { AdamwState } from './adamw.ts';
import type { ParameterSet } from './parameters.ts';
import type { WeightAverage } from './weight-average.ts';

export interface TrainingState {
  /** Number of optimizer updates done; the data of a step is a function of the seed and this number. */
  step: number;
  readonly parameters: ParameterSet;
  readonly optimizer: AdamwState;
  /** Moving average of the weights, if the run keeps one. */
  readonly average?: WeightAverage;
}

/** Beginnings of the names of tensors in a checkpoint. */
export const prefixes = {
  parameters: 'parameters.',
  average: 'average.',
  first: 'exp_avg.',
  second: 'exp_avg_sq.',
} as const;

/** @param path of the file; it is complete or it is not there. */
export async function saveTrainingState(path: string, state: TrainingState): Promise<void> {
  const entries: TensorToWrite[] = [];
  for (const [name, { shape, data }] of state.parameters) {
    entries.push({ name: prefixes.parameters + name, dtype: 'float32', shape, data });
    const moments = [
      [prefixes.first, state.optimizer.firstMoments.get(name)],
      [prefixes.second, state.optimizer.secondMoments.get(name)],
    ] as const;
    for (const [prefix, moment] of moments) {
      if (moment) entries.push({ name: prefix + name, dtype: 'float32', shape, data: moment });
    }
  }
  for (const name of state.average?.names ?? []) {
    const { shape, data } = state.average!.parameters.get(name)!;
    entries.push({ name: prefixes.average + name, dtype: 'float32', shape, data });
  }
  await writeSafetensors(path, entries, { step: String(state.step), updates: String(state.optimizer.step) });
}

/**
 * Reads a checkpoint into existing parameters and moments.
 * @throws ChatRexError when the file holds another set of tensors than `state` does.
 */
export async function loadTrainingState(path: string, state: TrainingState): Promise<void> {
  const file = await openSafetensors(path);
  const targets = new Map<string, Float32Array>();
  for (const [name, { data }] of state.parameters) targets.set(prefixes.parameters + name, data);
  for (const [name, data] of state.optimizer.firstMoments) targets.set(prefixes.first + name, data);
  for (const [name, data] of state.optimizer.secondMoments) targets.set(prefixes.second + name, data);
  for (const name of state.average?.names ?? []) {
    targets.set(prefixes.average + name, state.average!.parameters.get(name)!.data);
  }
  const differing = [...targets].filter(([name, { length }]) => {
    const shape = file.tensors.get(name)?.shape;
    return !shape || shape.reduce((product, size) => product * size, 1) !== length;
  });
  if (differing.length > 0 || file.tensors.size !== targets.size) {
    throw new ChatRexError(
      'weights-mismatch',
      `${path} holds ${file.tensors.size} tensors, this model trains ${targets.size} (first difference: ` +
        `${differing[0]?.[0] ?? 'extra tensors'}); resume with the configuration that wrote it`,
    );
  }
  for (const [name, data] of targets) data.set(await file.readFloat32(name));
  state.step = Number(file.metadata.step);
  state.optimizer.step = Number(file.metadata.updates);
}
