/** One POST of JSON, with an end to its time and to the length of its answer. */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { CallError } from './errors.ts';

export interface PostOptions {
  readonly timeoutMs: number;
  /** Longest answer. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly apiKey?: string;
}

const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };

/**
 * @returns the parsed body of a 2xx answer
 * @throws CallError for anything else; the signal's reason when it is aborted
 */
export function postJson(url: string, body: unknown, options: PostOptions): Promise<unknown> {
  const { timeoutMs, maxBytes, signal, apiKey } = options;
  signal.throwIfAborted();
  const payload = Buffer.from(JSON.stringify(body));
  const isHttps = url.startsWith('https:');
  return new Promise((resolve, reject) => {
    const request = (isHttps ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: isHttps ? agents.https : agents.http,
      headers: {
        'content-type': 'application/json',
        'content-length': payload.length,
        ...(apiKey && { authorization: `Bearer ${apiKey}` }),
      },
    });
    const settle = (error: unknown, value?: unknown) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      if (error === undefined) resolve(value);
      else {
        request.destroy();
        reject(error);
      }
    };
    const timer = setTimeout(
      () => settle(new CallError('timeout', `no complete answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const abort = () => settle(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    request.on('error', (cause: NodeJS.ErrnoException) =>
      settle(new CallError('unavailable', `${url} cannot be reached (${cause.code ?? cause.message})`, { cause })),
    );
    request.on('response', (response) => readAnswer(response, maxBytes, settle));
    request.end(payload);
  });
}

function readAnswer(
  response: IncomingMessage,
  maxBytes: number,
  settle: (error: unknown, value?: unknown) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) settle(new CallError('too-long', `the answer is longer than ${maxBytes} bytes`));
    else chunks.push(chunk);
  });
  response.on('error', (cause) => settle(new CallError('unavailable', 'the answer was cut off', { cause })));
  response.on('aborted', () => settle(new CallError('unavailable', 'the answer was cut off')));
  response.on('end', () => {
    if (!response.complete) return settle(new CallError('unavailable', 'the answer was cut off'));
    const text = Buffer.concat(chunks).toString('utf8');
    const failure = failureOf(response, text);
    if (failure) return settle(failure);
    try {
      settle(undefined, JSON.parse(text));
    } catch (cause) {
      settle(new CallError('unreadable', `the answer is not JSON ("${text.slice(0, 40)}")`, { cause }));
    }
  });
}

function failureOf({ statusCode = 0, headers }: IncomingMessage, text: string): CallError | undefined {
  if (statusCode >= 200 && statusCode < 300) return undefined;
  const said = text.replace(/\s+/g, ' ').slice(0, 120);
  const message = `the endpoint answered ${statusCode}${said && `: ${said}`}`;
  const retryAfterMs = retryAfter(headers['retry-after']);
  if (statusCode === 429) return new CallError('rate-limited', message, { retryAfterMs });
  if (statusCode === 408 || statusCode >= 500) return new CallError('unavailable', message, { retryAfterMs });
  if (statusCode === 401 || statusCode === 403 || statusCode === 404) return new CallError('denied', message);
  return new CallError('rejected', message);
}

/** No endpoint may stop a run for longer than this by one header. */
const maxRetryAfterMs = 3_600_000;

/** Seconds or a date, as RFC 9110 section 10.2.3 has it. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(maxRetryAfterMs, Math.max(0, ms)) : undefined;
}
