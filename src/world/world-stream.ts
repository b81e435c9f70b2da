/**
 * Scenes or crops without end, made ahead of time in worker threads while the caller computes.
 *
 * Items come in the order of their indices whatever the number of threads; the sprites are shared memory, images are
 * moved, not copied. Works from TypeScript (under tsx or vitest) and from compiled JavaScript.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { loadSpriteAtlas } from './sprite-atlas.ts';
import { makeItem, type WorldItem, type WorldJob } from './world-job.ts';
import type { WorkerShare } from './world-worker.ts';

export interface WorldStreamOptions {
  /** Index of the first item; resume a run by passing where it stopped. */
  readonly from?: number;
  /** Threads; 0 makes items in the caller's thread when they are asked for. Default 1. */
  readonly workers?: number;
  /** Items that each thread is ahead. Default 4. */
  readonly prefetch?: number;
}

/** An endless, ordered iterator; leaving a `for await` loop or calling `close` ends its threads. */
export interface WorldStream<Item> extends AsyncIterableIterator<Item> {
  close(): Promise<void>;
}

/**
 * Opens a stream.
 * @example
 * for await (const { scene } of await openWorldStream({ kind: 'scenes', split: 'train', seed: 7 })) train(scene);
 */
export async function openWorldStream<Job extends WorldJob>(
  job: Job,
  { from = 0, workers = 1, prefetch = 4 }: WorldStreamOptions = {},
): Promise<WorldStream<WorldItem<Job>>> {
  const atlas = await loadSpriteAtlas();
  const threads = Array.from({ length: workers }, (_, at) => {
    const share: WorkerShare = { atlas, job, first: from + at, step: workers };
    return startThread<WorldItem<Job>>(share, prefetch);
  });
  let index = from;
  let isClosed = false;
  const close = async () => {
    isClosed = true;
    await Promise.all(threads.map((thread) => thread.stop()));
  };
  const stream: WorldStream<WorldItem<Job>> = {
    next: async () => {
      if (isClosed) return { done: true, value: undefined };
      const at = index++;
      const value = workers === 0 ? makeItem(atlas, job, at) : await threads[(at - from) % workers].take();
      return { done: false, value };
    },
    return: async () => {
      await close();
      return { done: true, value: undefined };
    },
    close,
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}

interface Thread<Item> {
  take(): Promise<Item>;
  stop(): Promise<unknown>;
}

/** Starts a thread that stays `prefetch` items ahead of `take`. */
function startThread<Item>(workerData: WorkerShare, prefetch: number): Thread<Item> {
  const worker = createWorker(workerData);
  // A stream that nobody reads must not keep the process alive; `take` holds it for as long as someone waits.
  worker.unref();
  const ready: Item[] = [];
  const waiting: { resolve: (item: Item) => void; reject: (error: unknown) => void }[] = [];
  let failure: unknown;
  worker.on('message', (item: Item) => {
    const next = waiting.shift();
    if (next) next.resolve(item);
    else ready.push(item);
  });
  worker.on('error', (error) => {
    failure = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  for (let ahead = 0; ahead < prefetch; ahead++) worker.postMessage(null);
  return {
    take: () => {
      if (failure) return Promise.reject(failure);
      worker.postMessage(null);
      const item = ready.shift();
      if (item !== undefined) return Promise.resolve(item);
      worker.ref();
      return new Promise<Item>((resolve, reject) => waiting.push({ resolve, reject })).finally(() => {
        if (waiting.length === 0) worker.unref();
      });
    },
    stop: () => worker.terminate(),
  };
}

/** Compiled code runs as it is; TypeScript needs its loader registered inside the thread first. */
function createWorker(workerData: WorkerShare): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./world-worker.js', import.meta.url), { workerData });
  const tsx = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = pathToFileURL(join(tsx, 'dist/esm/api/index.mjs')).href;
  const file = new URL('./world-worker.ts', import.meta.url).href;
  const start = `import('${loader}').then(({ register }) => { register(); return import('${file}'); });`;
  return new Worker(start, { eval: true, execArgv: [], workerData });
}
