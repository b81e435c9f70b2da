/** One question to an OpenAI-compatible model, with limits of time and size, and patience with a busy server. */

import { setTimeout as wait } from 'node:timers/promises';
import { ChatRexError } from '../../errors.ts';

export interface ChatEndpoint {
  /** Up to `/v1`, or the whole address of its chat completions. */
  readonly address: string;
  readonly model: string;
}

export interface ChatOptions {
  readonly apiKey?: string;
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
}

/** A verdict is a few words; a page of reasons is 10 kB. */
const maxReplyBytes = 2 ** 20;
const firstPauseMs = 500;
/** A server that asks for more patience than this is not waited for. */
const longestPauseMs = 120_000;

/** A reply that another attempt may better. */
class Temporary extends Error {
  readonly pauseMs: number | undefined;

  constructor(message: string, pauseMs?: number) {
    super(message);
    this.pauseMs = pauseMs;
  }
}

/** @throws ChatRexError 'runtime' with the last reason, 'aborted' */
export async function askChat(endpoint: ChatEndpoint, prompt: string, options: ChatOptions = {}): Promise<string> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 1; ; attempt++) {
    try {
      return await askOnce(endpoint, prompt, options);
    } catch (error) {
      if (options.signal?.aborted) throw new ChatRexError('aborted', 'judging was interrupted', { cause: error });
      if (!(error instanceof Temporary)) throw error;
      const pauseMs = error.pauseMs ?? firstPauseMs * 2 ** (attempt - 1) * (1 + Math.random() / 4);
      if (attempt === attempts || pauseMs > longestPauseMs) {
        const tries = attempt === 1 ? '' : ` after ${attempt} attempts`;
        throw new ChatRexError('runtime', `${endpoint.address}: ${error.message}${tries}`, { cause: error });
      }
      await wait(pauseMs, undefined, { signal: options.signal }).catch((cause) => {
        throw new ChatRexError('aborted', 'judging was interrupted', { cause });
      });
    }
  }
}

async function askOnce(endpoint: ChatEndpoint, prompt: string, options: ChatOptions): Promise<string> {
  const { apiKey, timeoutMs = 60_000, temperature = 0, maxTokens, signal } = options;
  const address = endpoint.address.replace(/\/$/, '');
  const url = address.endsWith('/chat/completions') ? address : `${address}/chat/completions`;
  const deadline = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
      body: JSON.stringify({
        model: endpoint.model,
        messages: [{ role: 'user', content: prompt }],
        temperature,
        ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      }),
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    text = await boundedText(response, endpoint);
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    throw new Temporary(deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause));
  }
  if (response.status === 429 || response.status >= 500) {
    throw new Temporary(`status ${response.status}`, retryAfterMs(response.headers.get('retry-after')));
  }
  if (!response.ok) {
    const detail = text.slice(0, 200).replace(/\s+/g, ' ');
    throw new ChatRexError('runtime', `${endpoint.address}: status ${response.status}: ${detail}`);
  }
  return contentOf(text);
}

/** What the fault beneath `fetch failed` was. */
function reasonOf(cause: unknown): string {
  const error = cause as Error & { cause?: Error };
  return error.cause?.message || error.message;
}

async function boundedText(response: Response, { address }: ChatEndpoint): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxReplyBytes) {
      throw new ChatRexError('limit-exceeded', `${address}: expected a reply of at most ${maxReplyBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function contentOf(text: string): string {
  let reply: { choices?: { message?: { content?: unknown } }[] } | undefined;
  try {
    reply = JSON.parse(text);
  } catch {
    throw new Temporary('the reply is not JSON');
  }
  const content = reply?.choices?.[0]?.message?.content;
  if (typeof content !== 'string') throw new Temporary('the reply has no choices[0].message.content');
  return content;
}
