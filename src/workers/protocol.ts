/** How worker threads are asked and answer: one task a message, one answer a task, failures as data. */

import { parentPort, type Worker } from 'node:worker_threads';
import { ChatRexError, type ErrorCode } from '../errors.ts';

/** An answer as it crosses threads, where errors would lose their code. */
type Answer<Result> = { result: Result } | { failure: { code: ErrorCode | undefined; message: string } };

/** What is sent to a worker: a task, or memory whose first byte becomes 1 when nobody waits for answers any more. */
type Message<Task> = { readonly task: Task } | { readonly cancel: SharedArrayBuffer };

const failureOf = (error: unknown): Answer<never> => ({
  failure: {
    code: error instanceof ChatRexError ? error.code : undefined,
    message: error instanceof Error ? error.message : String(error),
  },
});

/** What a handler answers when it hands memory over instead of copying it. */
export class Transferred<Result> {
  readonly result: Result;
  readonly memory: readonly ArrayBuffer[];

  constructor(result: Result, memory: readonly ArrayBuffer[]) {
    this.result = result;
    this.memory = memory;
  }
}

/**
 * Called once in a worker's module. Tasks are answered one after the other.
 * @param handle long ones ask `isCancelled` now and then, and throw whatever they like when it says so
 * @example serveTasks(async ({ start, end }: Range) => compute(start, end));
 */
export function serveTasks<Task, Result>(
  handle: (
    task: Task,
    isCancelled: () => boolean,
  ) => Promise<Result | Transferred<Result>> | Result | Transferred<Result>,
): void {
  let last: Promise<void> = Promise.resolve();
  let cancel: Uint8Array | undefined;
  const isCancelled = () => cancel !== undefined && Atomics.load(cancel, 0) === 1;
  const answer = async (task: Task) => {
    try {
      const outcome = await handle(task, isCancelled);
      if (outcome instanceof Transferred) parentPort?.postMessage({ result: outcome.result }, [...outcome.memory]);
      else parentPort?.postMessage({ result: outcome });
    } catch (error) {
      parentPort?.postMessage(failureOf(error));
    }
  };
  parentPort?.on('message', (message: Message<Task>) => {
    if ('cancel' in message) cancel = new Uint8Array(message.cancel);
    else last = last.then(() => answer(message.task));
  });
}

/**
 * Gives a worker a task and waits for its answer. One at a time for each worker.
 * @throws the ChatRexError that the worker's handler threw; 'runtime' when the worker ended without an answer
 */
export function askWorker<Result>(worker: Worker, task: unknown): Promise<Result> {
  const answer = new Promise<Result>((resolve, reject) => {
    const settle = (end: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    const onMessage = (message: Answer<Result>) =>
      settle(() => {
        if ('result' in message) resolve(message.result);
        else {
          const { code, message: reason } = message.failure;
          reject(code ? new ChatRexError(code, reason) : new Error(reason));
        }
      });
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = (status: number) =>
      settle(() => reject(new ChatRexError('runtime', `a worker thread ended (${status}) before it had answered`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
  // Whoever waits for several workers hears the first failure; that of another one must not end the process.
  answer.catch(() => {});
  worker.postMessage({ task } satisfies Message<unknown>);
  return answer;
}

/** How long a worker may take to hear that it is cancelled before its thread is ended by force. */
const graceMs = 20_000;

/**
 * Ends a worker after the answer that it owes: a thread that ends while ONNX Runtime computes in it takes the process
 * with it.
 * @param pending that answer
 */
export async function endWorker(worker: Worker, pending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([pending.catch(() => {}), patience]);
  clearTimeout(timer);
  await worker.terminate();
}

/** Lets workers know, in the middle of a task, that nobody waits for it. */
export function createCancellation(workers: readonly Worker[]): () => void {
  const memory = new SharedArrayBuffer(1);
  for (const worker of workers) worker.postMessage({ cancel: memory } satisfies Message<unknown>);
  return () => Atomics.store(new Uint8Array(memory), 0, 1);
}
