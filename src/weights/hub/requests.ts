/** Requests to the Hub: the token, patience with a busy server, and errors that say what to do. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ChatRexError } from '../../errors.ts';
import type { Fetch, HubSettings } from './environment.ts';

/** How patient requests are; tests are less so. */
export interface Patience {
  /** Tries in a row without a byte. */
  readonly attempts: number;
  /** Wait after the first failure; it doubles with each further one. */
  readonly waitMs: number;
  /** Longest silence of a server. */
  readonly silenceMs: number;
}

export const usualPatience: Patience = { attempts: 6, waitMs: 1000, silenceMs: 60_000 };

/** Longest wait that a server's Retry-After may ask for. */
const longestWaitMs = 120_000;

/** @throws ChatRexError 'aborted' */
export async function waitBefore(
  attempt: number,
  { waitMs }: Patience,
  signal: AbortSignal | undefined,
  asked?: Response,
): Promise<void> {
  const seconds = Number(asked?.headers.get('retry-after') ?? Number.NaN);
  const wished = Number.isFinite(seconds) ? 1000 * seconds : waitMs * 2 ** attempt;
  await sleep(Math.min(wished, longestWaitMs), undefined, { signal }).catch((cause) => {
    throw abortedError(cause);
  });
}

export const abortedError = (cause?: unknown): ChatRexError =>
  new ChatRexError('aborted', 'the download was cancelled; what came is kept and continued next time', { cause });

/** A server that is busy or broken for the moment. */
export const isPassing = (status: number): boolean => status === 429 || status === 408 || status >= 500;

/** Adds the token to requests of the endpoint, and to no others. */
export function authorizedFetch({ fetch, endpoint, token }: HubSettings): Fetch {
  return (url, init = {}) => {
    const headers = new Headers(init.headers);
    if (token && new URL(url).origin === new URL(endpoint).origin) headers.set('authorization', `Bearer ${token}`);
    return fetch(url, { ...init, headers });
  };
}

/** Repeats what fails for the moment. */
export function patientFetch(settings: HubSettings, patience: Patience, signal?: AbortSignal): Fetch {
  const fetch = authorizedFetch(settings);
  return async (url, init = {}) => {
    for (let attempt = 0; ; attempt++) {
      if (signal?.aborted) throw abortedError(signal.reason);
      const isLast = attempt + 1 >= patience.attempts;
      const limit = AbortSignal.timeout(patience.silenceMs);
      try {
        const both = signal ? AbortSignal.any([signal, limit]) : limit;
        const response = await fetch(url, { ...init, signal: both });
        if (!isPassing(response.status) || isLast) return response;
        await response.body?.cancel();
        await waitBefore(attempt, patience, signal, response);
      } catch (cause) {
        if (cause instanceof ChatRexError) throw cause;
        if (signal?.aborted) throw abortedError(cause);
        if (isLast) throw unreachable(url, cause);
        await waitBefore(attempt, patience, signal);
      }
    }
  };
}

export function unreachable(url: string, cause: unknown): ChatRexError {
  const { message, cause: inner } = cause as Error;
  const reason = inner instanceof Error ? inner.message : message;
  const fix = 'check the network, HTTPS_PROXY and HF_ENDPOINT, and run the command again: it continues';
  return new ChatRexError('runtime', `${new URL(url).host} cannot be reached (${reason}); ${fix}`, { cause });
}

/** The error for a status that is no success. */
export function refusal(status: number, what: string): ChatRexError {
  const because: Record<number, string> = {
    401: `${what} does not exist, or is private: check its name, and set HF_TOKEN to a token that may read it`,
    403: `${what} may not be read with this token: accept its licence on its page, then set HF_TOKEN`,
    404: `${what} does not exist: check the name and the revision`,
    429: `${what}: the server asks for fewer requests; wait a while, or set HF_TOKEN, and run the command again`,
  };
  const message = because[status] ?? `${what}: the server answers with status ${status}; run the command again later`;
  return new ChatRexError([401, 403, 404].includes(status) ? 'not-found' : 'runtime', message);
}
