/** Failures of model calls, told apart by what to do about them. */

import type { Usage } from './calls.ts';

export type CallFailure =
  /** Worth another try at once or after a pause: 5xx, cut connections, timeouts, answers that cannot be read. */
  | 'unavailable'
  | 'timeout'
  | 'unreadable'
  | 'too-long'
  | 'empty'
  /** 429: the pause is the endpoint's to name. */
  | 'rate-limited'
  /** The request will never be accepted. */
  | 'rejected'
  /** No call of this run will be accepted: wrong key, wrong model. */
  | 'denied';

export class CallError extends Error {
  override readonly name = 'CallError';
  readonly kind: CallFailure;
  readonly retryAfterMs: number | undefined;
  readonly usage: Usage;

  constructor(
    kind: CallFailure,
    message: string,
    extra: { retryAfterMs?: number; usage?: Usage; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.kind = kind;
    this.retryAfterMs = extra.retryAfterMs;
    this.usage = extra.usage ?? { input: 0, output: 0 };
  }

  get isWorthAnotherTry(): boolean {
    return this.kind !== 'rejected' && this.kind !== 'denied';
  }
}
