/**
 * A moving average of the weights in training (EMA). It is what validation measures and what is exported: a mean over
 * the last steps answers better than the last step does, as the released UPN's weights are one.
 */

import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { ParameterSet } from './parameters.ts';

export class WeightAverage {
  /** Averages of the parameters that learn, by name; all others are the parameters themselves. */
  readonly parameters: ParameterSet;
  /** The names that are averaged. */
  readonly names: readonly string[];
  readonly #decay: number;

  /**
   * Starts at the parameters as they are.
   * @param decay share of the average that a step keeps, from 0 to 1
   */
  constructor(parameters: ParameterSet, names: readonly string[], decay: number) {
    const averaged = new Set(names);
    this.names = names;
    this.#decay = decay;
    this.parameters = new Map(
      [...parameters].map(([name, tensor]) => [name, averaged.has(name) ? copyOf(tensor) : tensor]),
    );
  }

  /** Starts again at the parameters as they are: for weights that are read after it was made. */
  reset(parameters: ParameterSet): void {
    for (const name of this.names) this.#of(name).set(parameters.get(name)!.data);
  }

  /**
   * Moves the average towards the parameters after a step. The first steps move it faster, so that the weights that a
   * run began with are soon forgotten: the share that is kept is at most (1 + step) / (10 + step).
   * @param step how many steps there have been, from 1
   */
  follow(parameters: ParameterSet, step: number): void {
    const kept = Math.min(this.#decay, (1 + step) / (10 + step));
    for (const name of this.names) {
      const average = this.#of(name);
      const { data } = parameters.get(name)!;
      for (let i = 0; i < average.length; i++) average[i] = kept * average[i] + (1 - kept) * data[i];
    }
  }

  #of(name: string): Float32Array {
    return this.parameters.get(name)!.data;
  }
}

const copyOf = ({ shape, data }: HostTensor<'float32'>): HostTensor<'float32'> =>
  hostTensor('float32', shape, data.slice());
