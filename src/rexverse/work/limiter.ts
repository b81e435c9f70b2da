/** Who may call an endpoint, and when: one account for all workers of a run. */

import { ChatRexError } from '../../errors.ts';
import type { Usage } from '../models/calls.ts';

export interface Limits {
  /** For each endpoint; no limit by default. */
  readonly requestsAtOnce?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
}

/** Price of a million tokens, in any one currency. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

export interface Budget {
  readonly tokens?: number;
  readonly money?: number;
}

interface Waiting {
  readonly tokens: number;
  readonly grant: () => void;
  readonly deny: (error: ChatRexError) => void;
}

interface Lane {
  running: number;
  /** Requests that may start now, and tokens that may be used; they grow with time. */
  requests: number;
  tokens: number;
  filledAt: number;
  pausedUntil: number;
  readonly queue: Waiting[];
  timer?: NodeJS.Timeout;
}

export interface LimiterOptions {
  readonly limits: Limits;
  readonly budget?: Budget;
  readonly prices?: Readonly<Record<string, Price>>;
  /** What earlier runs in the same folder have spent. */
  readonly spent?: Readonly<Record<string, Usage>>;
  readonly now?: () => number;
  /** Called once, when the budget is spent. */
  readonly onSpent?: (what: string) => void;
}

/** What those who hand out calls need. */
export type CallLimiter = Pick<Limiter, 'acquire' | 'release' | 'stop' | 'spent'>;

const minuteMs = 60_000;

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #spent = new Map<string, { input: number; output: number }>();
  #stopped: ChatRexError | undefined;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    for (const [model, { input, output }] of Object.entries(options.spent ?? {}))
      this.#spent.set(model, { input, output });
  }

  /** Calls `grant` when a call may be made, or `deny` when none will be. Returns a function that gives up waiting. */
  acquire(endpoint: string, tokens: number, grant: () => void, deny: (error: ChatRexError) => void): () => void {
    this.#checkBudget();
    if (this.#stopped) {
      deny(this.#stopped);
      return () => {};
    }
    const lane = this.#lane(endpoint);
    const waiting: Waiting = { tokens, grant, deny };
    lane.queue.push(waiting);
    this.#advance(lane);
    return () => {
      const at = lane.queue.indexOf(waiting);
      if (at >= 0) lane.queue.splice(at, 1);
    };
  }

  /** A call has ended. `retryAfterMs` makes all callers of the endpoint wait. */
  release(endpoint: string, estimated: number, model: string, usage: Usage, retryAfterMs?: number): void {
    const lane = this.#lane(endpoint);
    lane.running--;
    // The estimate was taken off in advance; what was not used is given back.
    const used = usage.input + usage.output;
    if (used > 0) lane.tokens += estimated - used;
    const total = this.#spent.get(model) ?? { input: 0, output: 0 };
    this.#spent.set(model, { input: total.input + usage.input, output: total.output + usage.output });
    if (retryAfterMs !== undefined) lane.pausedUntil = Math.max(lane.pausedUntil, this.#now() + retryAfterMs);
    this.#checkBudget();
    this.#advance(lane);
  }

  /** No more calls; those under way end. */
  stop(error: ChatRexError): void {
    this.#stopped ??= error;
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      for (const { deny } of lane.queue.splice(0)) deny(this.#stopped);
    }
  }

  get spent(): ReadonlyMap<string, Usage> {
    return this.#spent;
  }

  #lane(endpoint: string): Lane {
    const known = this.#lanes.get(endpoint);
    if (known) return known;
    const { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY } =
      this.#options.limits;
    // Starts with a second's worth, so that a run does not begin with a burst of a whole minute.
    const lane: Lane = {
      ...{ running: 0, filledAt: this.#now(), pausedUntil: 0, queue: [] },
      ...{ requests: Math.max(1, requestsPerMinute / 60), tokens: tokensPerMinute / 60 },
    };
    this.#lanes.set(endpoint, lane);
    return lane;
  }

  #advance(lane: Lane): void {
    clearTimeout(lane.timer);
    this.#refill(lane);
    const { requestsAtOnce = Number.POSITIVE_INFINITY } = this.#options.limits;
    while (lane.queue.length > 0 && lane.running < requestsAtOnce) {
      const waitMs = this.#waitMs(lane);
      if (waitMs > 0) {
        lane.timer = setTimeout(() => this.#advance(lane), Math.min(waitMs, minuteMs));
        lane.timer.unref?.();
        return;
      }
      const next = lane.queue.shift() as Waiting;
      lane.running++;
      lane.requests -= 1;
      lane.tokens -= next.tokens;
      next.grant();
    }
  }

  #refill(lane: Lane): void {
    const { requestsPerMinute, tokensPerMinute } = this.#options.limits;
    const minutes = (this.#now() - lane.filledAt) / minuteMs;
    lane.filledAt = this.#now();
    if (requestsPerMinute)
      lane.requests = Math.min(Math.max(1, requestsPerMinute / 60), lane.requests + minutes * requestsPerMinute);
    if (tokensPerMinute) lane.tokens = Math.min(tokensPerMinute / 60, lane.tokens + minutes * tokensPerMinute);
  }

  /**
   * A call may start when the account of tokens is not in debt, so that one that is larger than a second's worth may
   * too.
   */
  #waitMs(lane: Lane): number {
    const { requestsPerMinute, tokensPerMinute } = this.#options.limits;
    const paused = lane.pausedUntil - this.#now();
    const requests = requestsPerMinute && lane.requests < 1 ? ((1 - lane.requests) / requestsPerMinute) * minuteMs : 0;
    const tokens = tokensPerMinute && lane.tokens < 0 ? (-lane.tokens / tokensPerMinute) * minuteMs : 0;
    return Math.max(0, paused, requests, tokens);
  }

  #checkBudget(): void {
    if (this.#stopped) return;
    const { budget = {}, prices = {}, onSpent } = this.#options;
    const tokens = [...this.#spent.values()].reduce((sum, { input, output }) => sum + input + output, 0);
    const money = costOf(this.#spent, prices);
    const isOver =
      (budget.tokens !== undefined && tokens >= budget.tokens) || (budget.money !== undefined && money >= budget.money);
    if (!isOver) return;
    const what =
      budget.money !== undefined ? `${money.toFixed(2)} of ${budget.money}` : `${tokens} of ${budget.tokens} tokens`;
    this.stop(new ChatRexError('aborted', `the budget is spent (${what})`));
    onSpent?.(what);
  }
}

/** In the currency of the prices; models without a price cost nothing. */
export function costOf(spent: ReadonlyMap<string, Usage>, prices: Readonly<Record<string, Price>>): number {
  let cost = 0;
  for (const [model, { input, output }] of spent) {
    const price = prices[model];
    if (price) cost += (input * price.input + output * price.output) / 1e6;
  }
  return cost;
}
