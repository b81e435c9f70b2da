/**
 * A list of tasks computed in worker threads. The first failure ends all of them: nobody finishes hours of a lost
 * queue.
 */

import { availableParallelism } from 'node:os';
import { ChatRexError, requireNotAborted } from '../errors.ts';
import { askWorker, createCancellation, endWorker } from './protocol.ts';
import { startWorker } from './start-worker.ts';

/** A module whose worker answers tasks by `serveTasks`; see `startWorker`. */
export interface WorkerModule {
  readonly module: string;
  readonly base: string;
  readonly data: unknown;
}

export interface PoolOptions {
  /** Worker threads; one for each core by default. */
  readonly threads?: number;
  /** Ends all workers. */
  readonly signal?: AbortSignal;
}

/**
 * Gives every worker the next task as soon as it has answered the last, and waits for `onResult` before that, so that
 * what is computed does not run ahead of what is kept.
 * @throws what a worker or `onResult` threw, after all workers have ended; 'aborted'
 */
export async function runInWorkers<Task, Result>(
  worker: WorkerModule,
  tasks: readonly Task[],
  onResult: (task: Task, result: Result) => Promise<void> | void,
  { threads = availableParallelism(), signal }: PoolOptions = {},
): Promise<void> {
  requireNotAborted(signal, 'the work');
  const queue = [...tasks];
  const workers = Array.from({ length: Math.min(threads, queue.length) }, () =>
    startWorker(worker.module, worker.base, worker.data),
  );
  const cancel = createCancellation(workers);
  const pending = workers.map((): Promise<unknown> => Promise.resolve());
  let end: (reason: unknown) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  const onAbort = () => end(new ChatRexError('aborted', 'the work was cancelled; what is complete is kept'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const work = async (one: (typeof workers)[number], index: number) => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const answer = askWorker<Result>(one, task);
      pending[index] = answer;
      await onResult(task, await answer);
    }
  };
  try {
    await Promise.race([Promise.all(workers.map(work)), ended]);
  } finally {
    queue.length = 0;
    signal?.removeEventListener('abort', onAbort);
    cancel();
    await Promise.all(workers.map((one, index) => endWorker(one, pending[index])));
  }
}
