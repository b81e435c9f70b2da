/** One run of the engine in a folder: begins it or continues it, with worker processes of this machine or a queue. */

import { randomBytes } from 'node:crypto';
import { appendFile, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { Outcome, StageName } from './annotation.ts';
import { extendRun, forgetFailed } from './change-run.ts';
import { type ImageList, openList } from './collect/list.ts';
import { type EngineSummary, runEngine } from './engine.ts';
import type { Usage } from './models/calls.ts';
import { openQueue } from './queue/open-queue.ts';
import { QueueExecutor } from './queue/queue-executor.ts';
import { queueName } from './queue/work-on-queue.ts';
import { spentIn } from './report/spent.ts';
import { createRun, lockFolder, type RunFile, readRunFile, shardName } from './run-folder.ts';
import { writeSettings, writeSharedLimits } from './run-settings.ts';
import { fingerprint, type Settings } from './settings.ts';
import type { Executor, ExecutorEvents } from './work/executor.ts';
import { openInlineExecutor } from './work/inline-executor.ts';
import { type Budget, Limiter, type Limits, type Price } from './work/limiter.ts';
import { LocalPool } from './work/local-pool.ts';
import type { WorkerSetup } from './work/messages.ts';
import { defaultWorkers, type WorkOptions, workerSetup } from './worker-setup.ts';

export interface RunOptions extends WorkOptions {
  /** Folder, image or manifest; may be left out to continue a run. */
  readonly source?: string | ImageList;
  readonly out: string;
  readonly settings: Settings;
  readonly shard?: { readonly index: number; readonly of: number };
  readonly limit?: number;
  /** Tries entries again that an earlier session has put aside. */
  readonly isRetryingFailed?: boolean;
  /** Appends what the source has and the run does not. */
  readonly isExtending?: boolean;
  readonly limits?: Limits;
  readonly budget?: Budget;
  readonly prices?: Readonly<Record<string, Price>>;
  /** Longest time of one item; ten minutes by default. */
  readonly deadlineMs?: number;
  readonly attempts?: number;
  readonly retryPauseMs?: number;
  readonly blockSize?: number;
  /** Gives the work to `workOnQueue` on other machines: `redis://...` or `postgres://...`. */
  readonly queue?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** Those that this run works through: the whole list, or its first `limit`. */
  readonly entries: number;
  readonly done: number;
  readonly filtered: number;
  readonly failed: number;
  /** Items that have passed each stage since this run began. */
  readonly passed: Readonly<Partial<Record<StageName, number>>>;
  readonly made: number;
  readonly reused: number;
  /** Tokens of each model, as far as this process has granted its calls. */
  readonly spent: ReadonlyMap<string, Usage>;
}

export interface RunSummary extends EngineSummary {
  readonly folder: string;
  readonly made: number;
  readonly reused: number;
  readonly seconds: number;
  /** Why it ended before its end, if so. */
  readonly stopped?: string;
}

/**
 * Annotates a list of images into a folder.
 * @throws ChatRexError when the folder belongs to another run, another process works in it, or no model call can
 *   succeed
 * @example const { done } = await runRexverse({ source: 'photos/', out: 'data/', settings });
 */
export async function runRexverse(options: RunOptions): Promise<RunSummary> {
  const folder = options.shard ? join(options.out, shardName(options.shard)) : options.out;
  const unlock = await lockFolder(folder);
  let isOpen = false;
  try {
    const run = await openRun(folder, options);
    isOpen = true;
    if (options.isRetryingFailed) await forgetFailed(folder);
    return await work(folder, run, options);
  } finally {
    await unlock();
    // A run that never began leaves no folder behind; one that holds anything is not removed.
    if (!isOpen) for (const path of new Set([folder, options.out])) await rmdir(path).catch(() => {});
  }
}

/** The run of a folder, begun if there is none. */
export async function openRun(folder: string, options: RunOptions): Promise<RunFile> {
  const existing = await readRunFile(folder);
  const list = typeof options.source === 'string' ? await openList(options.source) : options.source;
  const prints = fingerprint(options.settings);
  if (!existing) {
    if (!list)
      throw new ChatRexError(
        'invalid-argument',
        `${folder} holds no run to continue; name a folder or a list of images`,
      );
    const { shard, blockSize = 256 } = options;
    await writeSettings(folder, options.settings);
    const id = randomBytes(8).toString('hex');
    return createRun(folder, list.images, {
      id,
      root: list.root,
      fingerprint: prints,
      blockSize,
      ...(shard && { shard }),
    });
  }
  if (list && resolve(list.root) !== resolve(existing.root)) {
    throw new ChatRexError(
      'invalid-argument',
      `${folder} is a run over ${existing.root}, not ${list.root}; give another --out`,
    );
  }
  const changed = Object.keys(prints).filter((part) => prints[part] !== existing.fingerprint[part]);
  if (changed.length > 0) {
    throw new ChatRexError(
      'invalid-argument',
      `${folder} was begun with other settings (${changed.join(', ')}); use the same ones, or give another --out`,
    );
  }
  if (!options.isExtending) return existing;
  if (!list) throw new ChatRexError('invalid-argument', `${folder}: name the folder or list that has more images`);
  return extendRun(folder, existing, list);
}

async function work(folder: string, run: RunFile, options: RunOptions): Promise<RunSummary> {
  const { settings, budget, prices, signal } = options;
  const startedAt = Date.now();
  const control = new AbortController();
  const abort = () => control.abort();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) control.abort();
  const passed: Partial<Record<StageName, number>> = {};
  const counts = { done: 0, filtered: 0, failed: 0, made: 0, reused: 0 };
  let stopped: string | undefined;
  const limiter = new Limiter({
    ...{ limits: options.limits ?? {}, budget, prices },
    spent: budget ? Object.fromEntries(await spentIn(folder)) : {},
    onSpent: (what) => {
      stopped = `the budget is spent (${what})`;
      control.abort();
    },
  });
  const entries = Math.min(run.entries, options.limit ?? run.entries);
  const report = () => options.onProgress?.({ entries, ...counts, passed, spent: limiter.spent });
  const onPassed: ExecutorEvents['onPassed'] = (stages) => {
    for (const [stage, count] of Object.entries(stages)) {
      passed[stage as StageName] = (passed[stage as StageName] ?? 0) + count;
    }
    report();
  };
  const setup = workerSetup({ folder: resolve(folder), root: run.root, settings }, options);
  if (options.queue !== undefined) await writeSharedLimits(folder, options.limits);
  const executor = await openExecutor(setup, run, limiter, options, { onPassed });
  const sessions = sessionWriter(folder, startedAt, counts);
  try {
    const summary = await runEngine({
      ...{ folder, run, executor, filters: settings.filters, limit: options.limit, signal: control.signal },
      ...{ attempts: options.attempts ?? 3, retryPauseMs: options.retryPauseMs ?? 2000 },
      onOutcome: (outcome: Outcome) => {
        counts[outcome.state]++;
        report();
      },
      onCalls: (made, reused) => {
        counts.made += made;
        counts.reused += reused;
      },
    });
    if (signal?.aborted) stopped = 'interrupted';
    const seconds = (Date.now() - startedAt) / 1000;
    const { made, reused } = counts;
    return { ...summary, folder, made, reused, seconds, ...(stopped !== undefined && { stopped }) };
  } finally {
    signal?.removeEventListener('abort', abort);
    await executor.close();
    await sessions.end();
  }
}

export async function openExecutor(
  setup: WorkerSetup,
  { id }: RunFile,
  limiter: Limiter,
  { queue, workers = defaultWorkers(), deadlineMs = 600_000 }: RunOptions,
  events: ExecutorEvents,
): Promise<Executor> {
  if (queue !== undefined) return new QueueExecutor(await openQueue(queue, queueName(id)));
  if (workers === 0) return openInlineExecutor(setup, limiter, deadlineMs, events);
  return new LocalPool({ setup, limiter, workers, deadlineMs, ...events });
}

const sessionEveryMs = 10_000;

/**
 * Notes how long the run was at work and what it called, every ten seconds, so that a kill loses little of the account.
 */
function sessionWriter(folder: string, startedAt: number, counts: { readonly made: number; readonly reused: number }) {
  let last = { at: startedAt, made: 0, reused: 0 };
  const write = async () => {
    const now = { at: Date.now(), made: counts.made, reused: counts.reused };
    const line = { seconds: (now.at - last.at) / 1000, made: now.made - last.made, reused: now.reused - last.reused };
    last = now;
    await appendFile(join(folder, 'sessions.jsonl'), `${JSON.stringify(line)}\n`);
  };
  const timer = setInterval(() => void write().catch(() => {}), sessionEveryMs);
  timer.unref();
  return {
    end: async () => {
      clearInterval(timer);
      await write();
    },
  };
}
