/** Does tasks: looks at images, and sends items through the stages. This is what runs in a worker process. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { readFrom } from '../../file-range.ts';
import { MAX_IMAGE_BYTES } from '../../image/decode.ts';
import type { Entry, Item, StageName } from '../annotation.ts';
import { downloadImage } from '../collect/download.ts';
import { CallStore, ItemCalls } from '../models/calls.ts';
import { CallError } from '../models/errors.ts';
import type { Roles } from '../models/roles.ts';
import type { Draft } from '../pipeline.ts';
import { blockFolder } from '../run-folder.ts';
import { annotationStages } from '../stages/all-stages.ts';
import { inspectImage } from '../stages/inspect.ts';
import { AsyncQueue } from './async-queue.ts';
import type { Task, TaskFailure, TaskResult, WorkerSetup } from './messages.ts';

export interface PerformerOptions {
  readonly roles: Roles;
  readonly isClosing: () => boolean;
  readonly onPassed: (stage: StageName) => void;
}

/** Blocks whose files of calls are open at once. */
const openStores = 6;

export class Performer {
  readonly #setup: WorkerSetup;
  readonly #options: PerformerOptions;
  readonly #stores = new Map<number, CallStore>();
  readonly #drafts = new AsyncQueue<Draft>();
  readonly #waiting = new Map<Draft['calls'], (draft: Draft) => void>();

  constructor(setup: WorkerSetup, options: PerformerOptions) {
    this.#setup = setup;
    this.#options = options;
    void this.#runStages();
  }

  async perform(task: Task, signal: AbortSignal): Promise<TaskResult> {
    if (task.kind === 'annotate') return this.#annotate(task.entry, task.block, task.item, signal);
    try {
      const result = await this.#inspect(task.entry, signal);
      this.#options.onPassed('collect');
      return result;
    } catch (error) {
      return failureOf('collect', error, signal);
    }
  }

  async #inspect(entry: Entry, signal: AbortSignal): Promise<TaskResult> {
    const { folder, root, settings, download } = this.#setup;
    if (entry.file !== undefined) {
      const inspection = await inspectImage(await readImage(root, entry.file), settings.filters);
      return { kind: 'inspected', inspection, file: entry.file, isDownloaded: false };
    }
    const fetched = await downloadImage(entry.url as string, folder, download, signal);
    if ('reason' in fetched) return { kind: 'filtered', stage: 'collect', reason: fetched.reason, made: 0, reused: 0 };
    const inspection = await inspectImage(fetched.bytes, settings.filters);
    return { kind: 'inspected', inspection, file: fetched.file, isDownloaded: true };
  }

  async #annotate(entry: Entry, block: number, item: Item, signal: AbortSignal): Promise<TaskResult> {
    const store = await this.#store(block);
    const known = await store.of(entry.index);
    const calls = new ItemCalls(
      { index: entry.index, imageHash: item.imageHash },
      known,
      store,
      this.#options.isClosing,
    );
    const { made, reused } = calls;
    let draft: Draft;
    try {
      const { folder, root } = this.#setup;
      const bytes = await readImage(item.isDownloaded ? folder : root, item.file);
      const ended = new Promise<Draft>((resolve) => this.#waiting.set(calls, resolve));
      this.#drafts.push({ entry, item, bytes, calls, signal, texts: [], regions: [], dropped: [] });
      draft = await ended;
    } catch (error) {
      return { ...failureOf('collect', error, signal), made, reused };
    }
    const result = resultOf(draft);
    // One that has failed may come again, and what it paid for is kept.
    if (result.kind !== 'failed') store.forget(entry.index);
    return result;
  }

  async #runStages(): Promise<void> {
    const { settings, concurrency } = this.#setup;
    const { roles, onPassed } = this.#options;
    const stages = annotationStages(roles, settings, { concurrency, onDone: (stage) => onPassed(stage) });
    for await (const draft of stages(this.#drafts)) {
      const resolve = this.#waiting.get(draft.calls);
      this.#waiting.delete(draft.calls);
      resolve?.(draft);
    }
  }

  async #store(block: number): Promise<CallStore> {
    const known = this.#stores.get(block);
    if (known) return known;
    const store = new CallStore(blockFolder(this.#setup.folder, block));
    this.#stores.set(block, store);
    // Items come in the order of the list, so the lowest block is the one that is done with.
    if (this.#stores.size > openStores) {
      const lowest = Math.min(...this.#stores.keys());
      await this.#stores.get(lowest)?.close();
      this.#stores.delete(lowest);
    }
    return store;
  }

  async close(): Promise<void> {
    this.#drafts.end();
    for (const store of this.#stores.values()) await store.close();
    await this.#options.roles.dispose();
  }
}

/** To open a pipe would wait for somebody who writes into it. */
const readWithoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws ChatRexError for a path that leaves the root, a missing file, one that is too large */
async function readImage(root: string, file: string): Promise<Uint8Array> {
  const path = isAbsolute(file) ? file : join(root, file);
  const isInside = isAbsolute(file) || !relative(root, path).startsWith('..');
  if (!isInside) throw new ChatRexError('invalid-argument', `"${file}" leaves the root of the list`);
  const handle = await open(path, readWithoutWaiting).catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('not-found', `"${file}" cannot be read (${cause.code})`, { cause });
  });
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new ChatRexError('invalid-file', `"${file}" is not a regular file`);
    if (info.size > MAX_IMAGE_BYTES) {
      throw new ChatRexError('limit-exceeded', `"${file}" has ${info.size} bytes; at most ${MAX_IMAGE_BYTES} are read`);
    }
    return await readFrom(handle, file, 0, info.size);
  } finally {
    await handle.close();
  }
}

function resultOf({ ending, calls, texts, regions, dropped, signal }: Draft): TaskResult {
  const { made, reused } = calls;
  if (ending === undefined) return { kind: 'annotated', annotation: { texts, regions, dropped }, made, reused };
  if (ending.state === 'filtered') {
    const { stage, reason, detail } = ending;
    return { kind: 'filtered', stage, reason, ...(detail !== undefined && { detail }), made, reused };
  }
  return { ...failureOf(ending.stage, ending.error, signal), made, reused };
}

/** Codes of faults that are in the image or in the list and stay there. */
const lasting = new Set(['invalid-file', 'invalid-argument', 'limit-exceeded', 'unsupported', 'not-found']);

function failureOf(stage: StageName, error: unknown, signal: AbortSignal): TaskFailure {
  const nothing = { made: 0, reused: 0 };
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 500);
  if (error instanceof CallError) {
    const { kind, isWorthAnotherTry } = error;
    return {
      kind: 'failed',
      stage,
      reason: kind,
      message,
      isWorthAnotherTry,
      ...(kind === 'denied' && { isFatal: true }),
      ...nothing,
    };
  }
  if (error instanceof ChatRexError && error.code === 'aborted' && !signal.aborted) {
    return { kind: 'failed', stage, reason: 'stopped', message, isWorthAnotherTry: true, isStopped: true, ...nothing };
  }
  if (signal.aborted) {
    return {
      kind: 'failed',
      stage,
      reason: 'deadline',
      message: String(signal.reason),
      isWorthAnotherTry: true,
      ...nothing,
    };
  }
  const reason = error instanceof ChatRexError ? error.code : 'defect';
  return { kind: 'failed', stage, reason, message, isWorthAnotherTry: !lasting.has(reason), ...nothing };
}
