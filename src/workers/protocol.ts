/** How worker threads are asked and answer: one task a message, one answer a task, failures as data. */

import type { Worker } from 'node:worker_threads';
import { parentPort } from 'node:worker_threads';
import { ChatRexError, type ErrorCode } from '../errors.ts';

/** An answer as it crosses threads, where errors would lose their code. */
export type Answer<Result> = { result: Result } | { failure: { code: ErrorCode | undefined; message: string } };

export const failureOf = (error: unknown): Answer<never> => ({
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
 * @example serveTasks(async ({ start, end }: Range) => compute(start, end));
 */
export function serveTasks<Task, Result>(
  handle: (task: Task) => Promise<Result | Transferred<Result>> | Result | Transferred<Result>,
): void {
  let last: Promise<void> = Promise.resolve();
  const answer = async (task: Task) => {
    try {
      const outcome = await handle(task);
      if (outcome instanceof Transferred) parentPort?.postMessage({ result: outcome.result }, [...outcome.memory]);
      else parentPort?.postMessage({ result: outcome });
    } catch (error) {
      parentPort?.postMessage(failureOf(error));
    }
  };
  parentPort?.on('message', (task: Task) => {
    last = last.then(() => answer(task));
  });
}

/**
 * The worker's next answer.
 * @throws the ChatRexError that the worker's handler threw; 'runtime' when the worker ended without an answer
 */
export function nextAnswer<Result>(worker: Worker): Promise<Result> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    const onMessage = (answer: Answer<Result>) =>
      settle(() => {
        if ('result' in answer) resolve(answer.result);
        else {
          const { code, message } = answer.failure;
          reject(code ? new ChatRexError(code, message) : new Error(message));
        }
      });
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = (status: number) =>
      settle(() => reject(new ChatRexError('runtime', `a worker thread ended (${status}) before it had answered`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
