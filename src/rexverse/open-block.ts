/** One block of a run while it is worked on: what is known of its entries, on disk and in memory. */

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item, Outcome } from './annotation.ts';
import { Journal, readLines } from './journal.ts';
import { blockFolder, finishBlock, outcomesFileName } from './run-folder.ts';

/** What was decided about an entry's image, in the order of the list. */
export interface Collected {
  readonly index: number;
  /** Set when the image is to be annotated. */
  readonly item?: Item;
  /** Set when it ended here. */
  readonly outcome?: Outcome;
}

/** A line of progress.jsonl: an ending, or a try that failed. */
export type Progress =
  | { readonly outcome: Outcome }
  | { readonly index: number; readonly failedTry: number; readonly message: string };

export const collectedFileName = 'collected.jsonl';
export const progressFileName = 'progress.jsonl';

export class OpenBlock {
  readonly number: number;
  readonly collected = new Map<number, Collected>();
  /** Failed tries of entries that have not ended. */
  readonly failedTries = new Map<number, number>();
  readonly #folder: string;
  readonly #outcomes = new Map<number, Outcome>();
  #collectedJournal!: Journal;
  #progressJournal!: Journal;
  /** Set when all entries of the block have been read from the list. */
  #size: number | undefined;
  #finishing: Promise<void> | undefined;

  private constructor(folder: string, number: number) {
    this.#folder = folder;
    this.number = number;
  }

  static async open(folder: string, number: number): Promise<OpenBlock> {
    const block = new OpenBlock(folder, number);
    const place = blockFolder(folder, number);
    await mkdir(place, { recursive: true });
    for await (const one of collectedOf(folder, number)) block.collected.set(one.index, one);
    for await (const { value } of readLines<Progress>(join(place, progressFileName))) {
      if ('outcome' in value) block.#outcomes.set(value.outcome.index, value.outcome);
      else block.failedTries.set(value.index, Math.max(value.failedTry, block.failedTries.get(value.index) ?? 0));
    }
    for (const { outcome } of block.collected.values()) if (outcome) block.#outcomes.set(outcome.index, outcome);
    block.#collectedJournal = await Journal.open(join(place, collectedFileName));
    block.#progressJournal = await Journal.open(join(place, progressFileName));
    return block;
  }

  outcomeOf(index: number): Outcome | undefined {
    return this.#outcomes.get(index);
  }

  async addCollected(collected: Collected): Promise<void> {
    await this.#collectedJournal.append(collected);
    if (collected.outcome) await this.#settle(collected.outcome);
  }

  async addFailedTry(index: number, failedTry: number, message: string): Promise<void> {
    await this.#progressJournal.append({ index, failedTry, message } satisfies Progress);
  }

  async addOutcome(outcome: Outcome): Promise<void> {
    await this.#progressJournal.append({ outcome } satisfies Progress);
    await this.#settle(outcome);
  }

  /** All of its entries have been read: it is finished when they have ended. */
  async setSize(size: number): Promise<void> {
    this.#size = size;
    await this.#finishIfComplete();
  }

  async #settle(outcome: Outcome): Promise<void> {
    this.#outcomes.set(outcome.index, outcome);
    await this.#finishIfComplete();
  }

  async #finishIfComplete(): Promise<void> {
    if (this.#size === undefined || this.#outcomes.size < this.#size) return;
    this.#finishing ??= this.close().then(() => finishBlock(this.#folder, this.number, [...this.#outcomes.values()]));
    await this.#finishing;
  }

  get isFinished(): boolean {
    return this.#finishing !== undefined;
  }

  #closing: Promise<void> | undefined;

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#collectedJournal.close(), this.#progressJournal.close()]).then(() => {});
    return this.#closing;
  }
}

export async function* collectedOf(folder: string, block: number): AsyncGenerator<Collected> {
  const path = join(blockFolder(folder, block), collectedFileName);
  for await (const { value } of readLines<Collected>(path)) yield value;
}

export async function isBlockFinished(folder: string, block: number): Promise<boolean> {
  return stat(join(blockFolder(folder, block), outcomesFileName)).then(
    () => true,
    () => false,
  );
}
