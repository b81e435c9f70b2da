/**
 * Gradients and metrics of a step whose parts are spread over several processes: each computes its own, then all add
 * them up.
 */

import { ChatRexError } from '../../errors.ts';
import type { GradientSet } from '../adamw.ts';
import type { Metrics } from '../metrics.ts';
import type { GradientSource } from '../run.ts';
import type { Ranks } from './mpi.ts';

/** What a rank says in a step; numbers as text, since JSON has no NaN. */
interface Word {
  readonly step: number;
  readonly wantsStop: boolean;
  readonly metrics: readonly (readonly [name: string, value: string])[];
}

export interface RankGradientsOptions {
  /** Whether this rank was told to stop. */
  readonly wantsStop: () => boolean;
  /** Called on every rank in the same step when any of them wants to stop. */
  readonly stop: () => void;
}

export class RankGradients implements GradientSource {
  readonly #own: GradientSource;
  readonly #ranks: Ranks;
  readonly #options: RankGradientsOptions;
  /** All gradients in a row: one sum over the network instead of hundreds. */
  #flat = new Float32Array();

  /** @param own computes the means over this rank's parts, as many as every other has */
  constructor(own: GradientSource, ranks: Ranks, options: RankGradientsOptions) {
    this.#own = own;
    this.#ranks = ranks;
    this.#options = options;
  }

  /**
   * Means over all parts of all ranks, the same bits on every rank. They last until the next step.
   * @throws ChatRexError 'invalid-argument' when ranks are at different steps: then they have not read one checkpoint
   */
  async computeGradients(step: number): Promise<{ gradients: GradientSet; metrics: Metrics }> {
    const { gradients, metrics } = await this.#own.computeGradients(step);
    const words = await this.#exchange(step, metrics);
    await this.#average(gradients);
    if (words.some(({ wantsStop }) => wantsStop)) this.#options.stop();
    return { gradients, metrics: meanOf(words) };
  }

  async #exchange(step: number, metrics: Metrics): Promise<Word[]> {
    const word: Word = {
      step,
      wantsStop: this.#options.wantsStop(),
      metrics: Object.entries(metrics).map(([name, value]) => [name, String(value)]),
    };
    const words = (await this.#ranks.gather(JSON.stringify(word))).map((text) => JSON.parse(text) as Word);
    const other = words.findIndex((of) => of.step !== words[0].step);
    if (other < 0) return words;
    throw new ChatRexError(
      'invalid-argument',
      `rank 0 is at step ${words[0].step} and rank ${other} at step ${words[other].step}: put the run folder on a disk that all share`,
    );
  }

  async #average(gradients: GradientSet): Promise<void> {
    const arrays = [...gradients.values()];
    const length = arrays.reduce((sum, array) => sum + array.length, 0);
    if (this.#flat.length !== length) this.#flat = new Float32Array(length);
    const flat = this.#flat;
    let at = 0;
    for (const array of arrays) {
      flat.set(array, at);
      at += array.length;
    }
    await this.#ranks.sum(flat);
    at = 0;
    for (const array of arrays) {
      for (let i = 0; i < array.length; i++) array[i] = flat[at + i] / this.#ranks.size;
      at += array.length;
    }
  }

  stop(): Promise<void> {
    return this.#own.stop();
  }
}

function meanOf(words: readonly Word[]): Metrics {
  const sums: Record<string, number> = {};
  for (const { metrics } of words) {
    for (const [name, value] of metrics) sums[name] = (sums[name] ?? 0) + Number(value);
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / words.length]));
}
