/** So much at a time, in the order asked. */

/**
 * Something of which a number may be in use at once.
 * @example const turns = new Turns(() => 2);
 *   const leave = await turns.take();
 */
export class Turns {
  readonly #limit: () => number;
  #taken = 0;
  readonly #waiting: { readonly count: number; readonly start: () => void }[] = [];

  /** @param limit asked every time, for it may change */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /**
   * Waits until `count` are free and those who asked before have theirs; more than the limit counts as all.
   * @returns what gives them back
   */
  async take(wanted = 1): Promise<() => void> {
    const count = Math.min(wanted, this.#limit());
    if (this.#waiting.length > 0 || !this.#fits(count)) {
      await new Promise<void>((start) => this.#waiting.push({ count, start }));
    } else this.#taken += count;
    return () => {
      this.#taken -= count;
      while (this.#waiting.length > 0 && this.#fits(this.#waiting[0].count)) {
        const [next] = this.#waiting.splice(0, 1);
        this.#taken += next.count;
        next.start();
      }
    };
  }

  readonly #fits = (count: number) => this.#taken + count <= this.#limit() || this.#taken === 0;
}
