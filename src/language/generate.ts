/** Writing an answer token by token, for one text or for several at once. */

import { ChatRexError, requireNotAborted, wrongArgument } from '../errors.ts';
import { createRandom } from '../random.ts';
import type { KvCache } from './kv-cache.ts';
import type { LanguageModel, Lexicon } from './language-model.ts';
import { type Choice, chooseToken, requireSampling, type SamplingOptions } from './sampling.ts';

/** Decides which tokens may come next, as grounding/constrain.ts does. */
export interface TokenConstraint {
  /** Sets the logits of tokens that may not come to -Infinity. */
  mask(logits: Float32Array): void;
  /** Learns which token came. */
  push(id: number): void;
}

export interface GenerateOptions extends SamplingOptions {
  /** At most this many tokens per row. */
  maxTokens: number;
  /** Tokens that end an answer, themselves included in it; the model's own by default. */
  stopIds?: readonly number[];
  /** Same seed, same answer; without effect at temperature 0. */
  seed?: number;
  /** One per row. */
  constraints?: readonly TokenConstraint[];
  /** What tokens mean; what they always mean where nothing is said. */
  lexicon?: Lexicon;
  /** Ends the writing with an error of code 'aborted'; the cache then holds what was written so far. */
  signal?: AbortSignal;
}

/** Reads tokens into caches: a language model, or a place in a `StepBatch`. */
export type TokenReader = Pick<LanguageModel, 'config' | 'step'>;

/** A token of an answer. */
export interface GeneratedToken extends Choice {
  /** Row of the cache that it belongs to. */
  row: number;
}

/**
 * Writes answers after the texts that the rows of a cache hold, yielding every token as it is chosen, row by row.
 *
 * The cache holds every token but the last of each row, which was chosen and never read; a further turn of the
 * conversation reads that one first.
 * @param logits of each row's next token, as `LanguageModel.read` returned them.
 * @throws ChatRexError 'aborted'; 'limit-exceeded' when an answer outgrows the cache.
 */
export async function* generate(
  model: TokenReader,
  cache: KvCache,
  logits: readonly Float32Array[],
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken> {
  const { maxTokens, seed = 0, constraints, signal } = options;
  requireSampling(options);
  if (!Number.isSafeInteger(seed)) throw wrongArgument('seed', 'a whole number', seed);
  if (logits.length !== cache.batch) {
    throw new ChatRexError('invalid-argument', `${logits.length} rows of logits for a cache of ${cache.batch} rows`);
  }
  const stopIds = new Set(options.stopIds ?? model.config.eosTokenIds);
  // Each row has its own stream, so that an answer does not depend on what else is in the batch.
  const randoms = logits.map((_, row) => createRandom(`generate/${seed}/${row}`));
  const active = logits.map(() => maxTokens > 0);
  const ids = logits.map(() => 0);
  let current = logits;
  for (let count = 1; active.includes(true); count++) {
    requireNotAborted(signal, 'the answer');
    for (const row of active.keys()) {
      if (!active[row]) continue;
      const allowed = current[row].slice();
      constraints?.[row].mask(allowed);
      const choice = chooseToken(allowed, options, randoms[row]);
      constraints?.[row].push(choice.id);
      ids[row] = choice.id;
      active[row] = count < maxTokens && !stopIds.has(choice.id);
      yield { row, ...choice };
    }
    if (active.includes(true)) {
      requireNotAborted(signal, 'the answer');
      current = await model.step(cache, ids, active, options.lexicon);
    }
  }
}
