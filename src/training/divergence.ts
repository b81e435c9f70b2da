/** Notices that a run no longer learns: a loss or a gradient that is not a number, step after step. */

import { ChatRexError } from '../errors.ts';

/** Steps in a row whose gradient is not finite though the loss is. One alone is skipped: it may overflow by chance. */
const patience = 5;

export class DivergenceWatch {
  readonly #folder: string;
  /** The step of the checkpoint in the folder; 0 before the first. */
  savedStep: number;
  #badInRow = 0;

  constructor(folder: string, savedStep: number) {
    this.#folder = folder;
    this.savedStep = savedStep;
  }

  /** Whether the last gradient was finite. */
  get isSound(): boolean {
    return this.#badInRow === 0;
  }

  /**
   * Called after every step. The optimizer has changed nothing if the gradient is not finite.
   * @param step counted from 1
   * @throws ChatRexError 'diverged' for a loss that is not finite, as DETR's engine does, or after five bad gradients
   *   in a row
   */
  look(step: number, loss: number, gradientNorm: number, learningRate: number): void {
    this.#badInRow = Number.isFinite(gradientNorm) ? 0 : this.#badInRow + 1;
    if (Number.isFinite(loss) && this.#badInRow < patience) return;
    const count = Number.isFinite(loss) ? `, the last of ${patience} steps in a row` : '';
    throw this.#diverged(
      `loss ${loss} and gradient norm ${gradientNorm} at step ${step}${count} ` +
        `(learning rate ${learningRate.toPrecision(2)})`,
    );
  }

  /** As above, for a step that could not be computed. */
  wrap(step: number, error: unknown): unknown {
    return error instanceof ChatRexError && error.code === 'diverged'
      ? this.#diverged(`${error.message} at step ${step + 1}`)
      : error;
  }

  #diverged(what: string): ChatRexError {
    const checkpoint =
      this.savedStep === 0
        ? 'there is no checkpoint yet, so start again in another folder'
        : `the checkpoint in ${this.#folder} is of step ${this.savedStep}; start from it with --from ${this.#folder}`;
    const advice = 'try a lower learningRate, more warmupSteps or a lower maxNorm';
    return new ChatRexError('diverged', `training has diverged: ${what}; ${checkpoint} and ${advice}`);
  }
}
