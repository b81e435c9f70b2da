/**
 * Who is served next: a bounded number of requests at once, the others in a bounded queue, and between clients in turn,
 * so that one client with a hundred questions does not keep another with one waiting for all of them.
 */

import { ChatRexError } from '../errors.ts';
import { ApiError, unavailable } from './api-error.ts';

export interface FairQueueLimits {
  /** Requests that are worked on at once. */
  readonly concurrency: number;
  /** Requests that wait, of all clients. */
  readonly maxWaiting: number;
  /** Requests of one client that wait. */
  readonly maxWaitingPerClient: number;
}

interface Waiting {
  start(): void;
}

/** Shares of the latest duration in the running mean. */
const newestShare = 0.1;
/** Guess before any request has ended. */
const firstGuessMs = 1000;
const longestRetrySeconds = 60;

export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** By client; the client whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #waitingCount = 0;
  #runningCount = 0;
  #meanMs = firstGuessMs;
  #isClosed = false;
  #idle: (() => void)[] = [];

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#runningCount;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /**
   * Does `work` when it is the client's turn.
   * @param signal takes the request out of the queue at once; work that has begun must heed it itself
   * @throws ApiError 429 when the queue is full, 503 when it is closed; ChatRexError 'aborted'; whatever `work` throws
   */
  async run<T>(client: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(client, signal);
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#meanMs += newestShare * (performance.now() - start - this.#meanMs);
      this.#runningCount--;
      this.#startNext();
    }
  }

  /** Refuses all that come from now on; resolves when what is running and what waits has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#runningCount > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #turn(client: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable('the server is stopping; ask another', 5));
    if (signal?.aborted) return Promise.reject(cancelled(signal));
    if (this.#runningCount < this.#limits.concurrency) {
      this.#runningCount++;
      return Promise.resolve();
    }
    const own = this.#waiting.get(client) ?? [];
    const { maxWaiting, maxWaitingPerClient } = this.#limits;
    if (own.length >= maxWaitingPerClient) return Promise.reject(this.#full('this client has', own.length));
    if (this.#waitingCount >= maxWaiting) return Promise.reject(this.#full('the server has', this.#waitingCount));
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(client, entry);
        reject(cancelled(signal));
      };
      const entry: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      own.push(entry);
      this.#waiting.set(client, own);
      this.#waitingCount++;
    });
  }

  #startNext(): void {
    const next = this.#waiting.entries().next();
    if (next.done) {
      if (this.#runningCount === 0) for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    const [client, own] = next.value;
    const entry = own.shift()!;
    // To the end of the round, or out of it.
    this.#waiting.delete(client);
    if (own.length > 0) this.#waiting.set(client, own);
    this.#waitingCount--;
    this.#runningCount++;
    entry.start();
  }

  #remove(client: string, entry: Waiting): void {
    const own = this.#waiting.get(client);
    const place = own?.indexOf(entry) ?? -1;
    if (!own || place < 0) return;
    own.splice(place, 1);
    this.#waitingCount--;
    if (own.length === 0) this.#waiting.delete(client);
  }

  #full(who: string, count: number): ApiError {
    const seconds = Math.ceil((this.#waitingCount * this.#meanMs) / this.#limits.concurrency / 1000);
    const retryAfter = Math.min(Math.max(1, seconds), longestRetrySeconds);
    return new ApiError(429, `${who} ${count} requests waiting, as many as may wait; try again in ${retryAfter} s`, {
      code: 'rate_limit_exceeded',
      retryAfter,
    });
  }
}

const cancelled = (signal: AbortSignal | undefined): ChatRexError =>
  new ChatRexError('aborted', 'the request was cancelled while it waited', { cause: signal?.reason });
