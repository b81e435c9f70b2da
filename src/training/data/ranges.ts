/** Long lists computed range by range in worker threads, and written in order, so that what is on disk can be gone on with. */

import { availableParallelism } from 'node:os';
import { startWorker } from '../../workers/start-worker.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Entries that one message to a worker asks for: enough to be cheap, few enough to show progress. */
const longest = 32;

/** @param worker a module that answers a `Range` with its result */
export async function computeRanges<Result>(
  worker: { readonly module: string; readonly base: string; readonly data: unknown },
  { from, to }: { from: number; to: number },
  write: (range: Range, result: Result) => Promise<void>,
): Promise<void> {
  const ranges = Array.from({ length: Math.ceil((to - from) / longest) }, (_, i) => ({
    start: from + i * longest,
    end: Math.min(to, from + (i + 1) * longest),
  }));
  const queue = [...ranges];
  const finished = new Map<number, Result>();
  let written = 0;
  let writing = Promise.resolve();
  const writeInOrder = async () => {
    for (let range = ranges[written]; range && finished.has(range.start); range = ranges[written]) {
      const result = finished.get(range.start) as Result;
      finished.delete(range.start);
      written++;
      await write(range, result);
    }
  };
  /** Every worker takes the next range as soon as it has returned one. */
  const runOne = () =>
    new Promise<void>((resolve, reject) => {
      const thread = startWorker(worker.module, worker.base, worker.data);
      let range: Range | undefined;
      const next = () => {
        range = queue.shift();
        if (range === undefined) void thread.terminate().then(() => resolve());
        else thread.postMessage(range);
      };
      thread.on('message', (result: Result) => {
        finished.set((range as Range).start, result);
        writing = writing.then(writeInOrder);
        writing.then(next, reject);
      });
      thread.on('error', reject);
      next();
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), ranges.length) }, runOne));
}
