/**
 * The key-value cache of one image's prefix, reused by every question and turn about the image.
 *
 * What was read after the prefix stays too: a further question continues from the longest beginning it shares with it,
 * so that a conversation reads each of its turns once and a repeated question reads nothing but its last token.
 */

import { ChatRexError } from '../errors.ts';
import { type GeneratedToken, type GenerateOptions, generate } from '../language/generate.ts';
import type { KvCache } from '../language/kv-cache.ts';
import type { LanguageModel, Lexicon } from '../language/language-model.ts';
import type { BatchPlace, StepBatch } from '../language/step-batch.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';

/** Tokens of question and answer that have room at once; a cache that proves too small is copied to a larger one. */
const spareTokens = 768;

export class ImageMemory {
  readonly #language: LanguageModel;
  readonly #prefixLength: number;
  readonly #lexicon: Lexicon;
  readonly #batch: StepBatch | undefined;
  #cache: KvCache;
  /** Ids of what the cache holds after the prefix. */
  #tail: number[] = [];
  #isBusy = false;

  private constructor(
    language: LanguageModel,
    cache: KvCache,
    prefixLength: number,
    { lexicon, batch }: { lexicon: Lexicon; batch?: StepBatch },
  ) {
    this.#language = language;
    this.#cache = cache;
    this.#prefixLength = prefixLength;
    this.#lexicon = lexicon;
    this.#batch = batch;
  }

  /**
   * Reads a prefix.
   * @param embeddings float32 [tokens, hiddenSize]
   * @param options.lexicon what the tokens of questions and answers mean
   * @param options.signal ends the reading between two stretches
   * @param options.batch takes the steps of answers together with those of others
   * @throws ChatRexError 'limit-exceeded' when it leaves the model no position for a question
   */
  static async read(
    language: LanguageModel,
    embeddings: HostTensor<'float32'>,
    { lexicon = language, signal, batch }: { lexicon?: Lexicon; signal?: AbortSignal; batch?: StepBatch } = {},
  ): Promise<ImageMemory> {
    const [length] = embeddings.shape;
    if (length >= language.maxPositions) {
      throw new ChatRexError(
        'limit-exceeded',
        `the image takes ${length} tokens of the model's ${language.maxPositions}; give fewer boxes`,
      );
    }
    const capacity = Math.min(length + spareTokens, language.maxPositions);
    const cache = language.createCache({ capacity });
    await language.read(cache, 0, embeddings, { signal });
    return new ImageMemory(language, cache, length, { lexicon, batch });
  }

  /** Tokens that question and answer together may take. */
  get room(): number {
    return this.#language.maxPositions - this.#prefixLength;
  }

  /** Tokens of the prefix. */
  get prefixLength(): number {
    return this.#prefixLength;
  }

  /** Memory that the cache takes, in bytes. */
  get sizeBytes(): number {
    return this.#cache.sizeBytes;
  }

  /**
   * Reads `ids` after the prefix and writes what follows, yielding every token as it is chosen. While one answer is
   * being written another may begin: it works on a copy.
   * @throws ChatRexError 'limit-exceeded' when the model has too few positions; as `generate` does
   */
  async *write(ids: readonly number[], options: GenerateOptions): AsyncGenerator<GeneratedToken> {
    if (this.#isBusy) {
      yield* this.#copy().write(ids, options);
      return;
    }
    this.#isBusy = true;
    const written: number[] = [];
    let place: BatchPlace | undefined;
    try {
      this.#makeRoom(ids.length + options.maxTokens);
      const logits = await this.#readQuestion(ids, options.signal);
      place = this.#batch?.join(this.#cache);
      for await (const token of generate(place ?? this.#language, this.#cache, [logits], {
        ...options,
        lexicon: this.#lexicon,
      })) {
        written.push(token.id);
        yield token;
      }
    } finally {
      place?.leave();
      // The last token that was chosen has not been read; in a batch none has.
      const held = this.#cache.lengths[0] - this.#prefixLength;
      this.#tail = [...this.#tail, ...written].slice(0, held);
      this.#isBusy = false;
    }
  }

  /** Logits after `ids`; what the cache holds of them already is not read again. */
  async #readQuestion(ids: readonly number[], signal: AbortSignal | undefined): Promise<Float32Array> {
    const shared = this.#tail.findIndex((id, i) => id !== ids[i]);
    // The last token is read in any case: its logits are needed.
    const kept = Math.min(shared < 0 ? this.#tail.length : shared, ids.length - 1);
    this.#cache.rewind(this.#prefixLength + kept);
    this.#tail.length = kept;
    const lexicon = this.#lexicon;
    const logits = await this.#language.read(this.#cache, 0, await lexicon.embed(ids.slice(kept)), { lexicon, signal });
    this.#tail = [...ids];
    return logits;
  }

  #makeRoom(tokens: number): void {
    const needed = this.#prefixLength + tokens;
    if (needed > this.#language.maxPositions) {
      throw new ChatRexError(
        'limit-exceeded',
        `question and answer take ${tokens} tokens, the image leaves ${this.room}; shorten them or start a new conversation`,
      );
    }
    if (needed <= this.#cache.capacity) return;
    this.#cache = this.#cache.fork([0], Math.min(needed + spareTokens, this.#language.maxPositions));
  }

  #copy(): ImageMemory {
    const cache = this.#cache.fork([0], this.#cache.capacity);
    cache.rewind(this.#prefixLength);
    return new ImageMemory(this.#language, cache, this.#prefixLength, { lexicon: this.#lexicon, batch: this.#batch });
  }
}
