/**
 * A machine that works for a run elsewhere: takes tasks from its queue and does them in worker processes, so that the
 * process that talks to the queue is never busy and its locks are renewed in time. It shares the folder of the run with
 * the others.
 */

import { resolve } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { readRunFile } from '../run-folder.ts';
import { readSettings, readSharedLimits } from '../run-settings.ts';
import { type Budget, Limiter, type Limits, type Price } from '../work/limiter.ts';
import { LocalPool } from '../work/local-pool.ts';
import { defaultWorkers, type WorkOptions, workerSetup } from '../worker-setup.ts';
import { openQueue } from './open-queue.ts';
import { openSharedCounters } from './shared-counters.ts';
import { SharedLimiter } from './shared-limiter.ts';

export interface QueueWorkOptions extends WorkOptions {
  readonly folder: string;
  readonly queue: string;
  /** Of this machine, in addition to those that all machines of the run share. */
  readonly limits?: Limits;
  readonly budget?: Budget;
  readonly prices?: Readonly<Record<string, Price>>;
  readonly deadlineMs?: number;
  /** A job whose worker has not been heard of for this long is given to another. */
  readonly lockMs?: number;
  /** Where the images are on this machine, when it is not where they were when the run began. */
  readonly root?: string;
  readonly signal?: AbortSignal;
  readonly onTask?: (done: number) => void;
}

/** A call whose machine has not been heard of for this long is not counted as under way any more. */
const leaseMs = 60_000;

/**
 * Works until the signal comes.
 * @returns how many tasks were done
 * @throws ChatRexError when the folder holds no run, or when the queue's packages are missing
 */
export async function workOnQueue(options: QueueWorkOptions): Promise<number> {
  const { folder, signal, lockMs = 30_000, deadlineMs = 600_000 } = options;
  const run = await readRunFile(folder);
  if (!run) throw new ChatRexError('not-found', `${folder} holds no run; start it with chatrex rexverse run --queue`);
  const settings = await readSettings(folder);
  const workers = options.workers ?? defaultWorkers();
  const setup = workerSetup(
    { folder: resolve(folder), root: options.root ?? run.root, settings },
    { ...options, workers },
  );
  const { limits = {}, budget, prices } = options;
  const own = new Limiter({ limits, budget, prices });
  const name = queueName(run.id);
  const shared = await readSharedLimits(folder);
  const counters = shared && (await openSharedCounters(options.queue, name, { limits: shared, leaseMs }));
  const limiter = counters ? new SharedLimiter(own, counters, leaseMs) : own;
  const pool = new LocalPool({ setup, limiter, workers, deadlineMs });
  const open = await openQueue(options.queue, name);
  let done = 0;
  const worker = open.worker(
    async ({ data }) => {
      const result = await pool.run(data);
      options.onTask?.(++done);
      return JSON.stringify(result);
    },
    { concurrency: pool.capacity, lockMs },
  );
  try {
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    // Tasks under way are finished and handed in.
    await worker.close();
  } finally {
    pool.drain();
    await pool.close();
    await counters?.close();
  }
  return done;
}

/** The queue of a run. */
export function queueName(id: string): string {
  return `rexverse-${id}`;
}
