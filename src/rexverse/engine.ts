/**
 * The engine: works through a list, block by block, so that memory does not grow with its length, and so that a run
 * that was killed anywhere continues where it was (paper section 4.1, figure 6).
 *
 * Images are looked at many at once and judged in the order of the list, so that the first of several copies is the one
 * that stays, however the work was spread. What is kept is annotated, many at once, in any order. A block is finished
 * when all of its entries have ended: done, filtered, or put aside as failed.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { ChatRexError } from '../errors.ts';
import type { Entry, Item, Outcome } from './annotation.ts';
import { Duplicates } from './collect/duplicates.ts';
import { sha256 } from './content-key.ts';
import { outcomesOfBlock } from './finished-block.ts';
import { type Collected, collectedOf, isBlockFinished, OpenBlock } from './open-block.ts';
import { entriesOf, type RunFile } from './run-folder.ts';
import type { ImageFilters } from './stages/inspect.ts';
import type { Executor } from './work/executor.ts';
import type { Task, TaskFailure, TaskResult } from './work/messages.ts';

export interface EngineOptions {
  readonly folder: string;
  readonly run: RunFile;
  readonly executor: Executor;
  readonly filters: ImageFilters;
  /** Tries of an item before it is put aside. */
  readonly attempts: number;
  /** Pause before the second try; four times as long before each further one. */
  readonly retryPauseMs: number;
  /** Only the first entries of the list. */
  readonly limit?: number;
  /** Ends the run: no new calls, those under way are finished and kept. */
  readonly signal?: AbortSignal;
  readonly onOutcome?: (outcome: Outcome) => void;
  readonly onCalls?: (made: number, reused: number) => void;
}

export interface EngineSummary {
  readonly entries: number;
  readonly done: number;
  readonly filtered: number;
  readonly failed: number;
  /** Entries that have not ended, because the run was stopped. */
  readonly left: number;
}

/** Entries under way at once: the order of judging must not make fast images wait for a slow one. */
const window = 1024;

export async function runEngine(options: EngineOptions): Promise<EngineSummary> {
  const { folder, run, signal } = options;
  const engine = new Engine(options);
  const stop = () => engine.stop();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    let block: OpenBlock | undefined;
    let number = -1;
    let size = 0;
    let isSkipped = false;
    const limit = Math.min(run.entries, options.limit ?? run.entries);
    let read = 0;
    const endBlock = async () => {
      if (block && (read === run.entries || size === run.blockSize)) await block.setSize(size);
    };
    for await (const { entry, block: of } of entriesOf(folder, run)) {
      if (engine.isStopping || read >= limit) break;
      if (of !== number) {
        await endBlock();
        [number, size] = [of, 0];
        isSkipped = await isBlockFinished(folder, of);
        if (isSkipped) await engine.recall(of);
        block = isSkipped ? undefined : await OpenBlock.open(folder, of);
        if (block) engine.adopt(block);
      }
      read++;
      size++;
      if (block) await engine.begin(entry, block);
    }
    if (!engine.isStopping) await endBlock();
    await engine.settled();
    return { entries: run.entries, ...engine.counts, left: run.entries - engine.ended };
  } finally {
    signal?.removeEventListener('abort', stop);
    await engine.close();
  }
}

class Engine {
  readonly counts = { done: 0, filtered: 0, failed: 0 };
  isStopping = false;
  readonly #options: EngineOptions;
  readonly #duplicates: Duplicates;
  readonly #blocks = new Set<OpenBlock>();
  /**
   * Entries under way. A count, not a set of promises: racing a thousand of them for each entry would cost more than
   * the entry.
   */
  #running = 0;
  #wake: (() => void) | undefined;
  /** The judgement of the entry before, since they are made in order. */
  #judged: Promise<void> = Promise.resolve();
  /** The last judgement that is on its way to the disk. */
  #lastWritten: { readonly block: OpenBlock; readonly written: Promise<void> } | undefined;
  #fatal: unknown;
  readonly #stopped = new AbortController();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#duplicates = new Duplicates(options.filters.duplicateBits);
  }

  get ended(): number {
    return this.counts.done + this.counts.filtered + this.counts.failed;
  }

  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.#stopped.abort();
    this.#options.executor.drain();
  }

  adopt(block: OpenBlock): void {
    for (const one of this.#blocks) if (one.isFinished) this.#blocks.delete(one);
    this.#blocks.add(block);
  }

  /** Takes in what a finished block has kept and how it ended. */
  async recall(number: number): Promise<void> {
    const { folder } = this.#options;
    for await (const collected of collectedOf(folder, number)) {
      const { index, item } = collected;
      if (item) this.#duplicates.findOrKeep(index, item.id, item.looks);
    }
    for await (const { state } of outcomesOfBlock(folder, number)) this.counts[state]++;
  }

  /** Starts on an entry; resolves when there is room for the next. */
  async begin(entry: Entry, block: OpenBlock): Promise<void> {
    const before = this.#judged;
    const known = block.collected.get(entry.index);
    const looked = known ? undefined : this.#look(entry, block);
    const judged = before.then(() => this.#judge(entry, block, known, looked));
    this.#judged = judged.then(
      () => {},
      () => {},
    );
    const work = judged
      .then(async ({ collected, written }) => {
        await written;
        if (collected.outcome) this.#count(collected.outcome);
        await this.#annotate(entry, block, collected);
      })
      .catch((error: unknown) => this.#fail(error));
    this.#running++;
    void work.then(() => {
      this.#running--;
      this.#wake?.();
    });
    while (this.#running >= window) await this.#oneEnds();
    // A finished entry must not make the next one wait for the event loop's other work.
    if (known) await judged.catch(() => {});
  }

  #look(entry: Entry, block: OpenBlock): Promise<TaskResult | undefined> {
    const task: Task = { kind: 'inspect', entry, block: block.number };
    return this.#tryUntilEnded(task, 0, async () => {});
  }

  /**
   * Decides whether an entry is annotated. Called in the order of the list.
   *
   * The next entry is judged while this judgement is written, so that many share a sync: one sync an entry, each after
   * the other, would be all that a disk can do. Lines of one file are written in their order; only at the end of a
   * block the next one waits, so that what is on disk is always the beginning of the list.
   */
  async #judge(
    entry: Entry,
    block: OpenBlock,
    known: Collected | undefined,
    looked: Promise<TaskResult | undefined> | undefined,
  ): Promise<{ collected: Collected; written: Promise<void> }> {
    if (known) {
      if (known.item) this.#duplicates.findOrKeep(entry.index, known.item.id, known.item.looks);
      return { collected: known, written: Promise.resolve() };
    }
    const result = await looked;
    if (result === undefined) {
      // Stopped: nothing behind it may be judged before it.
      this.stop();
      throw new Stopped();
    }
    if (this.#lastWritten?.block !== block) await this.#lastWritten?.written;
    const collected = this.#collected(entry, result);
    const written = block.addCollected(collected);
    // Whoever waits for it hears of a failure.
    written.catch(() => {});
    this.#lastWritten = { block, written };
    return { collected, written };
  }

  #collected(entry: Entry, result: TaskResult): Collected {
    const { index, name } = entry;
    if (result.kind !== 'inspected') return { index, outcome: outcomeOf(entry, result) };
    const { inspection, file, isDownloaded } = result;
    const { imageHash, width, height, perceptualHash: looks, reason } = inspection;
    const filtered = { state: 'filtered', index, name, stage: 'collect' } as const;
    if (reason) return { index, outcome: { ...filtered, reason } };
    const words = entry.turns ?? entry.caption;
    const id = words === undefined ? imageHash : sha256(imageHash, JSON.stringify(words));
    const item: Item = { id, imageHash, file, isDownloaded, width, height, ...(words === undefined && { looks }) };
    const same = this.#duplicates.findOrKeep(index, id, item.looks);
    if (same !== undefined) return { index, outcome: { ...filtered, reason: 'duplicate', detail: `of entry ${same}` } };
    return { index, item };
  }

  async #annotate(entry: Entry, block: OpenBlock, { item }: Collected): Promise<void> {
    const known = block.outcomeOf(entry.index);
    if (!item) return;
    if (known) return this.#count(known);
    const task: Task = { kind: 'annotate', entry, block: block.number, item };
    const tried = block.failedTries.get(entry.index) ?? 0;
    const result = await this.#tryUntilEnded(task, tried, (attempt, { message }) =>
      block.addFailedTry(entry.index, attempt, message),
    );
    if (result === undefined) return;
    const outcome = outcomeOf(entry, result, item);
    await block.addOutcome(outcome);
    this.#count(outcome);
  }

  /** The last result of a task; undefined when the run is stopped before. */
  async #tryUntilEnded(
    task: Task,
    tried: number,
    onFailedTry: (attempt: number, failure: TaskFailure) => Promise<void>,
  ): Promise<TaskResult | undefined> {
    const { executor, attempts, retryPauseMs, onCalls } = this.#options;
    for (let attempt = tried + 1; ; attempt++) {
      if (this.isStopping) return undefined;
      const result = await executor.run(task);
      if (result.kind === 'inspected') return result;
      onCalls?.(result.made, result.reused);
      if (result.kind !== 'failed') return result;
      if (result.isStopped) return undefined;
      if (result.isFatal) throw new ChatRexError('runtime', `the run cannot continue: ${result.message}`);
      if (!result.isWorthAnotherTry || attempt >= attempts) return { ...result, attempts: attempt } as TaskFailure;
      await onFailedTry(attempt, result);
      const pause = retryPauseMs * 4 ** (attempt - 1) * (1 + Math.random() / 4);
      await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  #count(outcome: Outcome): void {
    this.counts[outcome.state]++;
    this.#options.onOutcome?.(outcome);
  }

  #fail(error: unknown): void {
    if (!(error instanceof Stopped)) this.#fatal ??= error;
    this.stop();
  }

  #oneEnds(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** @throws what made the run impossible */
  async settled(): Promise<void> {
    while (this.#running > 0) await this.#oneEnds();
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  async close(): Promise<void> {
    this.stop();
    while (this.#running > 0) await this.#oneEnds();
    for (const block of this.#blocks) await block.close();
  }
}

/** An entry was not judged because the run is ending; the entries behind it are not judged either. */
class Stopped extends Error {}

function outcomeOf({ index, name }: Entry, result: TaskResult, item?: Item): Outcome {
  if (result.kind === 'annotated') {
    return { state: 'done', index, name, item: item as Item, annotation: result.annotation };
  }
  if (result.kind === 'filtered') {
    const { stage, reason, detail } = result;
    return { state: 'filtered', index, name, stage, reason, ...(detail !== undefined && { detail }) };
  }
  if (result.kind === 'inspected') throw new Error('an inspected entry has not ended');
  const { stage, reason, message } = result;
  const { attempts = 1 } = result as TaskFailure & { attempts?: number };
  return { state: 'failed', index, name, stage, reason, message, attempts };
}
