/**
 * Answers that are written at the same time take their steps together: a language model reads one more token of each of
 * several texts in little more time than one more of one, for it has to fetch its weights once.
 *
 * Texts join and leave between any two steps (continuous batching, as in Orca, Yu et al. 2022). A text that joins is
 * copied into a row of a shared cache, which doubles and halves with the number of texts; what its own cache holds
 * stays as it is.
 */

import type { TokenReader } from './generate.ts';
import type { KvCache } from './kv-cache.ts';
import type { LanguageModel, Lexicon } from './language-model.ts';

interface Step {
  readonly id: number;
  readonly lexicon: Lexicon;
  resolve(logits: Float32Array): void;
  reject(error: unknown): void;
}

/** A text that is being written. */
interface BatchMember {
  /** What was read before it joined, in its only row. */
  readonly cache: KvCache;
  next: Step | undefined;
}

/** A text's place in the batch, to be given to `generate`. */
export interface BatchPlace extends TokenReader {
  /** Gives the place to others; must come after the last step. */
  leave(): void;
}

export class StepBatch {
  readonly #model: LanguageModel;
  readonly #maxRows: number;
  #cache: KvCache;
  /** Who has which row of the shared cache, until it leaves. */
  #rows: (BatchMember | undefined)[] = [];
  /** Who has joined and found no row free yet. */
  readonly #waiting = new Set<BatchMember>();
  #isRunning = false;

  /** @param maxRows texts that take steps together; others wait until one of them is complete */
  constructor(model: LanguageModel, maxRows: number) {
    this.#model = model;
    this.#maxRows = maxRows;
    this.#cache = this.#emptyCache(0);
  }

  /** A place for a text that the only row of a cache holds; what is written after it does not go into that cache. */
  join(cache: KvCache): BatchPlace {
    const member: BatchMember = { cache, next: undefined };
    this.#waiting.add(member);
    return {
      config: this.#model.config,
      step: (_cache, [id], _active, lexicon = this.#model) => {
        const steps = Array.isArray(lexicon) ? lexicon[0] : lexicon;
        return this.#step(member, id, steps);
      },
      leave: () => this.#leave(member),
    };
  }

  #leave(member: BatchMember): void {
    this.#waiting.delete(member);
    const row = this.#rows.indexOf(member);
    if (row < 0) return;
    this.#rows[row] = undefined;
    this.#cache.rewind(0, row);
    // Rows without a text cost as much as others.
    const seated = this.#rows.filter((one) => one !== undefined).length;
    if (!this.#isRunning && 4 * seated <= this.#rows.length) this.#resize(seated);
    this.#start();
  }

  #step(member: BatchMember, id: number, lexicon: Lexicon): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      member.next = { id, lexicon, resolve: (logits) => resolve([logits]), reject };
      this.#start();
    });
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        // Whoever chose a token just now asks for its next step before this fires.
        await new Promise((resolve) => setImmediate(resolve));
        this.#seat();
        if (!this.#rows.some((member) => member?.next !== undefined)) break;
        await this.#stepTogether();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #seat(): void {
    const seated = this.#rows.filter((member) => member !== undefined).length;
    const joining = [...this.#waiting].filter(({ next }) => next !== undefined).slice(0, this.#maxRows - seated);
    const needed = seated + joining.length;
    if (needed > this.#rows.length || 4 * needed <= this.#rows.length) this.#resize(needed);
    for (const member of joining) {
      const row = this.#rows.indexOf(undefined);
      this.#rows[row] = member;
      this.#cache.copyRow(member.cache, 0, row);
      this.#waiting.delete(member);
    }
  }

  /** Makes room for `count` texts and, so that the next need not be copied for the one after it, some more. */
  #resize(count: number): void {
    const size = count === 0 ? 0 : Math.min(2 ** Math.ceil(Math.log2(count)), this.#maxRows);
    const before = this.#cache;
    const seated = [...this.#rows.entries()].filter(([, member]) => member !== undefined);
    this.#cache = this.#emptyCache(size);
    this.#rows = new Array(size).fill(undefined);
    seated.forEach(([from, member], row) => {
      this.#rows[row] = member;
      this.#cache.copyRow(before, from, row);
    });
  }

  async #stepTogether(): Promise<void> {
    const steps = this.#rows.map((member) => member?.next);
    for (const member of this.#rows) if (member) member.next = undefined;
    const ids = steps.map((step) => step?.id ?? 0);
    const lexicons = steps.map((step) => step?.lexicon ?? this.#model);
    const active = steps.map((step) => step !== undefined);
    try {
      const logits = await this.#model.step(this.#cache, ids, active, lexicons);
      for (const [row, step] of steps.entries()) step?.resolve(logits[row]);
    } catch (error) {
      for (const step of steps) step?.reject(error);
    }
  }

  #emptyCache(batch: number): KvCache {
    return this.#model.createCache({ batch, capacity: this.#model.maxPositions });
  }
}
