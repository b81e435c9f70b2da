/**
 * Model calls that are never paid twice: each has a key of what it depends on, and its result is on disk before it is
 * used.
 *
 * Every process writes a file of its own; whoever works on an item reads what all of them have written about its block.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import type { StageName } from '../annotation.ts';
import { type CallIdentity, callKey } from '../content-key.ts';
import { Journal, readLines } from '../journal.ts';

/** Tokens that a call took; zeros for models that do not count. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** A line of a file of calls. */
export interface CallRecord {
  /** Missing for a call that was paid for and whose answer was of no use. */
  readonly key?: string;
  /** The entry. */
  readonly index: number;
  readonly stage: StageName;
  readonly model: string;
  readonly value?: unknown;
  readonly usage: Usage;
  readonly seconds: number;
}

/** The calls of one block: those on disk, and a file for new ones. */
export class CallStore {
  readonly #folder: string;
  readonly #own: string;
  readonly #byIndex = new Map<number, Map<string, unknown>>();
  readonly #readTo = new Map<string, number>();
  #journal: Promise<Journal> | undefined;
  #reading: Promise<void> = Promise.resolve();
  /** A reading that has not begun: whoever asks meanwhile shares it. */
  #nextReading: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    // A name of its own for every process and block: two machines may share the folder.
    this.#own = `calls-${process.pid}-${randomBytes(6).toString('hex')}.jsonl`;
  }

  /** What is known of an entry, whichever process wrote it. */
  async of(index: number): Promise<Map<string, unknown>> {
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = undefined;
      this.#reading = this.#readNew();
      return this.#reading;
    });
    await this.#nextReading;
    const known = this.#byIndex.get(index) ?? new Map<string, unknown>();
    this.#byIndex.set(index, known);
    return known;
  }

  /** Frees what is remembered of an entry that has ended, for it is not asked about again. */
  forget(index: number): void {
    this.#byIndex.delete(index);
  }

  async append(record: CallRecord): Promise<void> {
    this.#journal ??= mkdir(this.#folder, { recursive: true }).then(() => Journal.open(join(this.#folder, this.#own)));
    await (await this.#journal).append(record);
  }

  async #readNew(): Promise<void> {
    for (const name of await callFiles(this.#folder)) {
      // What this store wrote it remembers until the entry has ended.
      if (name === this.#own) continue;
      for await (const { value, end } of readLines<CallRecord>(join(this.#folder, name), this.#readTo.get(name) ?? 0)) {
        this.#readTo.set(name, end);
        if (value.key === undefined) continue;
        const known = this.#byIndex.get(value.index) ?? new Map<string, unknown>();
        this.#byIndex.set(value.index, known.set(value.key, value.value));
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#journal)?.close();
  }
}

/** Names of the files of calls in the folder of a block, in order. */
export async function callFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /^calls-.*\.jsonl$/.test(name)).sort();
}

export interface Answered<Value> {
  readonly value: Value;
  readonly usage: Usage;
}

/** The calls of one item. */
export class ItemCalls {
  made = 0;
  reused = 0;
  readonly #index: number;
  readonly #image: string;
  readonly #known: Map<string, unknown>;
  readonly #store: Pick<CallStore, 'append'>;
  readonly #isClosing: () => boolean;

  constructor(
    entry: { index: number; imageHash: string },
    known: Map<string, unknown>,
    store: Pick<CallStore, 'append'>,
    isClosing: () => boolean = () => false,
  ) {
    this.#index = entry.index;
    this.#image = entry.imageHash;
    this.#known = known;
    this.#store = store;
    this.#isClosing = isClosing;
  }

  /**
   * The result of a call: the one on disk, or else that of `execute`, which is written before it is returned.
   * @throws ChatRexError 'aborted' when the run is closing and the call would be a new one
   */
  async call<Value>(
    stage: StageName,
    identity: Omit<CallIdentity, 'image'>,
    execute: () => Promise<Answered<Value>>,
  ): Promise<Value> {
    const key = callKey({ ...identity, image: this.#image });
    if (this.#known.has(key)) {
      this.reused++;
      return this.#known.get(key) as Value;
    }
    if (this.#isClosing()) throw new ChatRexError('aborted', 'the run is ending: no new model calls are made');
    const startedAt = performance.now();
    const { value, usage } = await execute();
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    const { model } = identity;
    await this.#store.append({ key, index: this.#index, stage, model, value, usage, seconds });
    this.#known.set(key, value);
    this.made++;
    return value;
  }

  /** Notes tokens of an answer that was of no use, so that the account is right. */
  async waste(stage: StageName, model: string, usage: Usage, seconds: number): Promise<void> {
    if (usage.input + usage.output === 0) return;
    await this.#store.append({ index: this.#index, stage, model, usage, seconds });
  }
}
