/** Promises from outside: with their ends, and given up when a signal fires. */

import { ChatRexError } from '../errors.ts';

/** A promise with its ends: `Promise.withResolvers`, which Node 20 lacks. */

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let ends!: Pick<Deferred<T>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    ends = { resolve, reject };
  });
  // Whoever waits hears of a failure; nobody has to.
  promise.catch(() => {});
  return { promise, ...ends };
}

/** The promise, or an error of code 'aborted' as soon as the signal fires. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const abortion = deferred<never>();
  const abort = () => abortion.reject(new ChatRexError('aborted', 'the request was cancelled'));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, abortion.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
