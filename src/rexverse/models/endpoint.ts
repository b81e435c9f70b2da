/**
 * Chat completions of any OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, hosted ones), one answer a call.
 *
 * What a call costs and how often it may be tried is decided here; what is asked is decided by the roles.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { StageName } from '../annotation.ts';
import type { Usage } from './calls.ts';
import { CallError } from './errors.ts';
import { postJson } from './post-json.ts';
import type { ImageView } from './roles.ts';

export interface EndpointSettings {
  /** Up to and including the version, as clients take it: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly temperature: number;
}

/** Who may call, and when: shared by all workers of a run. */
export interface Permits {
  /**
   * Resolves when a call may be made.
   * @throws ChatRexError 'aborted' when the budget is spent or the run is ending
   */
  acquire(endpoint: string, estimatedTokens: number, signal: AbortSignal): Promise<Permit>;
}

export interface Permit {
  release(spent: { readonly usage: Usage; readonly model: string; readonly retryAfterMs?: number }): void;
}

export interface CallPolicy {
  /** How often a call is tried before the item fails. */
  readonly tries: number;
  /** Pause before the second try; doubled for each further one, and up to half of it longer by chance. */
  readonly pauseMs: number;
  readonly timeoutMs: number;
}

export const defaultCallPolicy: CallPolicy = { tries: 4, pauseMs: 500, timeoutMs: 120_000 };

/** A thousand tokens are about 5 kB; answers of a megabyte are faults. */
const maxAnswerBytes = 2 ** 20;

export interface Question<Value> {
  readonly stage: StageName;
  readonly text: string;
  /** Encoded images that go with it, before the text. */
  readonly images?: readonly Uint8Array[];
  /** Name and version of `read`. */
  readonly parser: string;
  /** @throws CallError 'unreadable' or 'empty' when the answer is of no use */
  readonly read: (answer: string) => Value;
  /** What else the answer depends on; goes into the key. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Further keys of the request. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export class Endpoint {
  readonly settings: EndpointSettings;
  readonly #permits: Permits;
  readonly #policy: CallPolicy;
  readonly #apiKey: string | undefined;

  constructor(settings: EndpointSettings, permits: Permits, policy: CallPolicy, apiKey?: string) {
    this.settings = settings;
    this.#permits = permits;
    this.#policy = policy;
    this.#apiKey = apiKey;
  }

  /** Asks, unless the answer is on disk already. */
  ask<Value>(image: ImageView, question: Question<Value>): Promise<Value> {
    const { model, url, maxTokens, temperature } = this.settings;
    const identity = {
      prompt: question.text,
      model,
      // An endpoint does not say which weights it serves; its address and the name are all that is known.
      revision: url,
      parameters: { maxTokens, temperature, ...question.parameters },
      parser: question.parser,
    };
    return image.calls.call(question.stage, identity, () => this.#askUntilAnswered(image, question));
  }

  async #askUntilAnswered<Value>(image: ImageView, question: Question<Value>) {
    const { tries, pauseMs } = this.#policy;
    for (let attempt = 1; ; attempt++) {
      const startedAt = performance.now();
      try {
        return await this.#askOnce(image, question);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        const seconds = (performance.now() - startedAt) / 1000;
        await image.calls.waste(question.stage, this.settings.model, error.usage, seconds);
        if (!error.isWorthAnotherTry || attempt >= tries) throw error;
        // A pause that the endpoint asked for is kept by the permits, for all callers at once.
        if (error.retryAfterMs === undefined) {
          const pause = pauseMs * 2 ** (attempt - 1);
          await sleep(pause * (1 + Math.random() / 2), undefined, { signal: image.signal });
        }
      }
    }
  }

  async #askOnce<Value>({ signal }: ImageView, question: Question<Value>) {
    const { url, model, maxTokens, temperature } = this.settings;
    const permit = await this.#permits.acquire(url, estimateTokens(question, maxTokens), signal);
    let usage: Usage = { input: 0, output: 0 };
    let retryAfterMs: number | undefined;
    try {
      const content = [
        ...(question.images ?? []).map((bytes) => ({ type: 'image_url', image_url: { url: dataUrl(bytes) } })),
        { type: 'text', text: question.text },
      ];
      const body = {
        model,
        messages: [{ role: 'user', content }],
        max_tokens: maxTokens,
        temperature,
        ...question.extra,
      };
      const { timeoutMs } = this.#policy;
      const options = { timeoutMs, maxBytes: maxAnswerBytes, signal, apiKey: this.#apiKey };
      const reply = await postJson(`${url}/chat/completions`, body, options);
      usage = usageOf(reply);
      return { value: question.read(answerText(reply, usage)), usage };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      retryAfterMs = error.retryAfterMs;
      const { kind, message, cause } = error;
      throw new CallError(kind, `${model} at ${url}: ${message}`, { retryAfterMs, usage, cause });
    } finally {
      permit.release({ usage, model, retryAfterMs });
    }
  }
}

interface Reply {
  choices?: { message?: { content?: unknown; refusal?: unknown }; finish_reason?: string }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown };
}

function answerText(reply: unknown, usage: Usage): string {
  const choice = (reply as Reply | null)?.choices?.[0];
  const said = choice?.message?.content ?? choice?.message?.refusal;
  if (typeof said !== 'string') {
    throw new CallError('unreadable', 'expected choices[0].message.content, came something else', { usage });
  }
  return said;
}

function usageOf(reply: unknown): Usage {
  const usage = (reply as Reply | null)?.usage;
  const count = (value: unknown) => (typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : 0);
  return { input: count(usage?.prompt_tokens), output: count(usage?.completion_tokens) };
}

/** For limits only: four characters a token, a thousand tokens an image, and the longest answer. */
function estimateTokens({ text, images = [] }: Question<unknown>, maxTokens: number): number {
  return Math.ceil(text.length / 4) + 1000 * images.length + maxTokens;
}

function dataUrl(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `data:${mediaType(buffer)};base64,${buffer.toString('base64')}`;
}

function mediaType(bytes: Buffer): string {
  if (bytes[0] === 0x89) return 'image/png';
  if (bytes.toString('latin1', 8, 12) === 'WEBP') return 'image/webp';
  if (bytes.toString('latin1', 0, 3) === 'GIF') return 'image/gif';
  return 'image/jpeg';
}
