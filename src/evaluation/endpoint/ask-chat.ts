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
  /** Bytes of a reply at most; 1 MiB by default. */
  readonly maxReplyBytes?: number;
  readonly signal?: AbortSignal;
}

/** What a question is made of, as OpenAI's chat completions have it. */
export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image_url';
      readonly image_url: { readonly url: string };
      /** Boxes to speak about, in pixels: `chatrex serve` takes them. */
      readonly boxes?: readonly (readonly number[])[];
    };

/** A text, or parts that are texts and images. */
export type ChatContent = string | readonly ChatPart[];

export interface ChatReply {
  readonly text: string;
  /** Whether the answer ended at its longest length. */
  readonly isCut: boolean;
  /** `message.grounding`, where the server gives one (`chatrex serve`). */
  readonly grounding?: unknown;
}

/** `http://localhost:8000/v1#model` -> address and model. @throws ChatRexError 'invalid-argument' naming the option */
export function parseEndpoint(option: string, text: string): ChatEndpoint {
  const at = text.lastIndexOf('#');
  const [address, model] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const isWhole = model !== '' && URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
  if (isWhole) return { address, model };
  throw new ChatRexError(
    'invalid-argument',
    `${option} ${text}: expected URL#model, such as http://localhost:8000/v1#model`,
  );
}

/** A verdict is a few words; a page of reasons is 10 kB. */
const defaultMaxReplyBytes = 2 ** 20;
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

/** The answer's text alone. @throws ChatRexError as `chatReply` does */
export async function askChat(endpoint: ChatEndpoint, prompt: string, options: ChatOptions = {}): Promise<string> {
  return (await chatReply(endpoint, prompt, options)).text;
}

/**
 * Asks until there is an answer: a busy or failing server is asked again after growing pauses, or after the pause that
 * it asks for.
 * @throws ChatRexError 'runtime' with the last reason, 'limit-exceeded' for a reply that is too long, 'aborted'
 */
export async function chatReply(
  endpoint: ChatEndpoint,
  content: ChatContent,
  options: ChatOptions = {},
): Promise<ChatReply> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 1; ; attempt++) {
    try {
      return await askOnce(endpoint, content, options);
    } catch (error) {
      if (options.signal?.aborted) throw new ChatRexError('aborted', 'asking was interrupted', { cause: error });
      if (!(error instanceof Temporary)) throw error;
      const pauseMs = error.pauseMs ?? firstPauseMs * 2 ** (attempt - 1) * (1 + Math.random() / 4);
      const isTooLong = pauseMs > longestPauseMs;
      if (attempt === attempts || isTooLong) {
        const tries = attempt === 1 ? '' : ` after ${attempt} attempts`;
        const [asked, most] = [pauseMs, longestPauseMs].map((ms) => Math.ceil(ms / 1000));
        const pause = isTooLong ? `; the next would be in ${asked} s, and at most ${most} s are waited: ask later` : '';
        throw new ChatRexError('runtime', `${endpoint.address}: ${error.message}${tries}${pause}`, { cause: error });
      }
      await wait(pauseMs, undefined, { signal: options.signal }).catch((cause) => {
        throw new ChatRexError('aborted', 'asking was interrupted', { cause });
      });
    }
  }
}

async function askOnce(endpoint: ChatEndpoint, content: ChatContent, options: ChatOptions): Promise<ChatReply> {
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
        messages: [{ role: 'user', content }],
        temperature,
        ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      }),
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    text = await boundedText(response, endpoint, options.maxReplyBytes ?? defaultMaxReplyBytes);
  } catch (cause) {
    if (cause instanceof ChatRexError || cause instanceof Temporary) throw cause;
    throw new Temporary(deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause));
  }
  if (response.status === 429 || response.status >= 500) {
    throw new Temporary(`status ${response.status}`, retryAfterMs(response.headers.get('retry-after')));
  }
  if (!response.ok) {
    const detail = text.slice(0, 200).replace(/\s+/g, ' ');
    throw new ChatRexError('runtime', `${endpoint.address}: status ${response.status}: ${detail}`);
  }
  return replyOf(text);
}

/** What the fault beneath `fetch failed` was. */
function reasonOf(cause: unknown): string {
  const error = cause as Error & { cause?: Error };
  return error.cause?.message || error.message;
}

async function boundedText(response: Response, { address }: ChatEndpoint, maxReplyBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxReplyBytes) {
      throw new ChatRexError('limit-exceeded', `${address}: expected a reply of at most ${maxReplyBytes} bytes`);
    }
    parts.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new Temporary('the reply is not UTF-8');
  }
}

function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function replyOf(text: string): ChatReply {
  let reply: {
    choices?: { finish_reason?: unknown; message?: { content?: unknown; grounding?: unknown } }[];
  } | null;
  try {
    reply = JSON.parse(text);
  } catch {
    throw new Temporary(text.trim() === '' ? 'the reply is empty' : 'the reply is not JSON');
  }
  const [choice] = reply?.choices ?? [];
  const content = choice?.message?.content;
  if (typeof content !== 'string') throw new Temporary('the reply has no choices[0].message.content');
  const grounding = choice.message?.grounding;
  return { text: content, isCut: choice.finish_reason === 'length', ...(grounding != null && { grounding }) };
}
