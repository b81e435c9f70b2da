/**
 * A language model that judges answers, behind an OpenAI-compatible address. Every verdict is kept in a file by suite,
 * sample, prompt and model, so that no question is asked and paid for twice, and a run that was interrupted goes on
 * from there.
 */

import { createHash } from 'node:crypto';
import { ChatRexError } from '../../errors.ts';
import { askChat, type ChatEndpoint, parseEndpoint } from '../endpoint/ask-chat.ts';
import { VerdictCache } from './verdict-cache.ts';

/** One thing to be judged. */
export interface JudgeQuestion {
  readonly suite: string;
  readonly sample: string;
  readonly prompt: string;
  /** 0 by default. */
  readonly temperature?: number;
  readonly maxTokens?: number;
}

export interface Judge {
  readonly model: string;
  /** The judge's words. @throws ChatRexError 'runtime' when it cannot be had, 'aborted' */
  ask(question: JudgeQuestion): Promise<string>;
  close(): Promise<void>;
}

export interface JudgeOptions {
  /** Where verdicts are kept. */
  readonly cachePath: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string;
  /** For one question; 60 s by default. */
  readonly timeoutMs?: number;
  /** Attempts at one question when the judge is busy or does not answer; 5 by default. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
}

/** `http://localhost:8000/v1#model` -> address and model. @throws ChatRexError 'invalid-argument' */
export const parseJudge = (text: string): ChatEndpoint => parseEndpoint('--judge', text);

/** Opens a judge with its file of verdicts. */
export async function openJudge(endpoint: ChatEndpoint, options: JudgeOptions): Promise<Judge> {
  const cache = await VerdictCache.open(options.cachePath);
  return {
    model: endpoint.model,
    ask: async ({ suite, sample, prompt, temperature = 0, maxTokens }) => {
      const key = { suite, sample, prompt: promptHash(prompt, temperature), model: endpoint.model };
      const known = cache.get(key);
      if (known !== undefined) return known;
      const verdict = await askChat(endpoint, prompt, { ...options, temperature, maxTokens });
      await cache.add(key, verdict);
      return verdict;
    },
    close: () => cache.close(),
  };
}

const promptHash = (prompt: string, temperature: number): string =>
  createHash('sha256').update(`${temperature}\n${prompt}`).digest('hex');

/**
 * Judges many things, a few at once.
 * @param read what the judge's words mean
 * @returns results in the order of the items
 * @throws ChatRexError 'runtime' saying how many verdicts are missing, when all others are in the file
 */
export async function judgeAll<Item, Result>(
  items: readonly Item[],
  judgeOne: (item: Item) => Promise<Result>,
  { atOnce = 4, onProgress }: { atOnce?: number; onProgress?(done: number): void } = {},
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const failures: ChatRexError[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < items.length) {
      const at = next++;
      try {
        results[at] = await judgeOne(items[at]);
      } catch (error) {
        if (!(error instanceof ChatRexError) || error.code === 'aborted') throw error;
        failures.push(error);
      }
      onProgress?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (failures.length === 0) return results;
  const advice = 'run again: only these will be asked';
  throw new ChatRexError(
    'runtime',
    `${failures.length} of ${items.length} verdicts are missing (${failures[0].message}); ${advice}`,
  );
}
