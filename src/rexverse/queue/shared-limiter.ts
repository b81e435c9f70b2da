/**
 * Who may call an endpoint, and when, among all machines of a run: this machine's account is asked first, then the
 * shared one.
 */

import { randomBytes } from 'node:crypto';
import type { ChatRexError } from '../../errors.ts';
import type { Usage } from '../models/calls.ts';
import type { CallLimiter, Limiter } from '../work/limiter.ts';
import type { SharedCounters } from './shared-counters.ts';

interface Waiting {
  readonly tokens: number;
  readonly grant: () => void;
  readonly deny: (error: ChatRexError) => void;
}

interface Lane {
  /** Calls that this machine would allow, in order; the first of them asks for all. */
  readonly queue: Waiting[];
  /** Of calls under way. Any of them may stand for any call. */
  readonly leases: string[];
  isAsking: boolean;
}

/** Longest pause between two questions: another machine may have given a place back. */
const longestPauseMs = 1000;

export class SharedLimiter implements CallLimiter {
  readonly #own: Limiter;
  readonly #counters: SharedCounters;
  readonly #lanes = new Map<string, Lane>();
  readonly #renewal: NodeJS.Timeout;
  #stopped: ChatRexError | undefined;

  /**
   * @param own what holds for this machine alone, budget included
   * @param leaseMs of the counters: leases are renewed three times in it
   */
  constructor(own: Limiter, counters: SharedCounters, leaseMs: number) {
    this.#own = own;
    this.#counters = counters;
    this.#renewal = setInterval(() => this.#renew(), leaseMs / 3);
    this.#renewal.unref();
  }

  acquire(endpoint: string, tokens: number, grant: () => void, deny: (error: ChatRexError) => void): () => void {
    const lane = this.#lane(endpoint);
    const waiting: Waiting = { tokens, grant, deny };
    const giveUp = this.#own.acquire(
      endpoint,
      tokens,
      () => {
        lane.queue.push(waiting);
        void this.#ask(endpoint, lane);
      },
      deny,
    );
    return () => {
      giveUp();
      const at = lane.queue.indexOf(waiting);
      if (at < 0) return;
      lane.queue.splice(at, 1);
      this.#own.release(endpoint, tokens, '', { input: 0, output: 0 });
    };
  }

  release(endpoint: string, estimated: number, model: string, usage: Usage, retryAfterMs = 0): void {
    const used = usage.input + usage.output;
    this.#own.release(endpoint, estimated, model, usage, retryAfterMs || undefined);
    const lease = this.#lane(endpoint).leases.pop();
    // When the server is away the lease ends by itself, and the estimate is what was used.
    if (lease !== undefined)
      void this.#counters.give(endpoint, lease, used > 0 ? used - estimated : 0, retryAfterMs).catch(() => {});
  }

  stop(error: ChatRexError): void {
    this.#stopped ??= error;
    clearInterval(this.#renewal);
    this.#own.stop(error);
    for (const { queue } of this.#lanes.values()) for (const { deny } of queue.splice(0)) deny(error);
  }

  get spent(): ReadonlyMap<string, Usage> {
    return this.#own.spent;
  }

  #lane(endpoint: string): Lane {
    const known = this.#lanes.get(endpoint) ?? { queue: [], leases: [], isAsking: false };
    this.#lanes.set(endpoint, known);
    return known;
  }

  /** One question at a time for each endpoint. */
  async #ask(endpoint: string, lane: Lane): Promise<void> {
    if (lane.isAsking) return;
    lane.isAsking = true;
    while (lane.queue.length > 0 && !this.#stopped) {
      const [{ tokens }] = lane.queue;
      const lease = randomBytes(12).toString('hex');
      // While the server is away no calls are made: nobody would count them.
      const waitMs = await this.#counters.take(endpoint, lease, tokens).catch(() => longestPauseMs);
      if (waitMs > 0) {
        const pause = Math.min(waitMs, longestPauseMs) * (1 + Math.random() / 4);
        await new Promise((resolve) => setTimeout(resolve, pause));
        continue;
      }
      const next = lane.queue.shift();
      if (next === undefined) {
        // The caller gave up while the question was under way.
        void this.#counters.give(endpoint, lease, -tokens, 0).catch(() => {});
        continue;
      }
      lane.leases.push(lease);
      next.grant();
    }
    lane.isAsking = false;
  }

  #renew(): void {
    for (const [endpoint, { leases }] of this.#lanes) {
      if (leases.length > 0) void this.#counters.renew(endpoint, leases).catch(() => {});
    }
  }
}
