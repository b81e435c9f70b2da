/**
 * A language model ready to read and write: the graph of `llama.ts` with its weights, in two sessions, one that looks
 * up embeddings and one that extends caches. A model in `int4+int8` has a third, which extends them by many tokens.
 */

import { ChatRexError, wrongArgument } from '../errors.ts';
import type { WeightStorage } from '../onnx/emit.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { chooseProvider } from '../runtime/provider.ts';
import { Session, type SessionOptions } from '../runtime/session.ts';
import { input } from '../tensor/ops/input.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { explainNaN, hasNaN } from '../weights/non-finite.ts';
import { KvCache, type LayerMemory } from './kv-cache.ts';
import {
  fewestTokensInInt8,
  type LanguageFormat,
  readingScope,
  readingWeights,
  readsFasterInInt8,
  writingScope,
} from './language-format.ts';
import { type Llama, type LlamaOptions, llama } from './llama.ts';
import type { LlamaConfig } from './llama-config.ts';

export interface LanguageModelOptions extends LlamaOptions {
  session?: SessionOptions;
  /** How the linear layers are stored; float by default. */
  format?: LanguageFormat;
}

/** Per-conversation overrides of token embeddings and logits: index tokens mean objects of the image. */
export interface Lexicon {
  /** Token ids -> embeddings float32 [ids, hiddenSize]. */
  embed(ids: readonly number[]): Promise<HostTensor<'float32'>>;
  /** Adds to the logits [vocabSize] of the next token what the last hidden state [hiddenSize] says of the objects. */
  score?(logits: Float32Array, hidden: Float32Array): void;
}

/**
 * Long texts are read in stretches of this many tokens: enough to keep the processor busy with products, small enough
 * to bound activation memory and keep the event loop responsive.
 */
const stretchTokens = 256;

/** More positions than any model of today has; their table of rotations would take half a gigabyte. */
const mostPositions = 2 ** 20;

export class LanguageModel {
  readonly config: LlamaConfig;
  /** Longest text, in tokens. */
  readonly maxPositions: number;
  readonly #embed: Session<'embeddings'>;
  readonly #extend: Session;
  /** As `#extend`, faster for many tokens. */
  readonly #extendLong: Session | undefined;
  readonly #weights: WeightStorage;

  private constructor(
    config: LlamaConfig,
    maxPositions: number,
    sessions: { embed: Session<'embeddings'>; extend: Session; extendLong?: Session },
    weights: WeightStorage,
  ) {
    this.#weights = weights;
    this.config = config;
    this.maxPositions = maxPositions;
    this.#embed = sessions.embed;
    this.#extend = sessions.extend;
    this.#extendLong = sessions.extendLong;
  }

  /** @throws ChatRexError when a weight is missing or ONNX Runtime refuses the model. */
  static async create(
    config: LlamaConfig,
    weights: WeightStorage,
    options: LanguageModelOptions = {},
  ): Promise<LanguageModel> {
    const maxPositions = options.maxPositions ?? config.maxPositionEmbeddings;
    if (!Number.isInteger(maxPositions) || maxPositions < 1 || maxPositions > mostPositions) {
      throw wrongArgument('maxPositions', `a whole number from 1 to ${mostPositions}`, maxPositions);
    }
    const { format = 'float' } = options;
    const model = llama(writingScope(format), config, options);
    const ids = input('ids', 'int64', ['sequence']);
    const embed = await Session.create({ embeddings: model.embed(ids) }, weights, options.session);
    const extend = await Session.create(extensionGraph(model, config), weights, options.session);
    const isOnProcessor = chooseProvider(options.session?.provider).provider === 'cpu';
    const readsInInt8 = format === 'int4+int8' && weights !== 'feeds' && isOnProcessor && (await readsFasterInInt8());
    const extendLong = readsInInt8
      ? await Session.create(
          extensionGraph(llama(readingScope(), config, options), config),
          readingWeights(weights),
          options.session,
        )
      : undefined;
    return new LanguageModel(config, maxPositions, { embed, extend, extendLong }, weights);
  }

  /** Embeddings of token ids, float32 [ids, hiddenSize]. */
  async embed(ids: readonly number[]): Promise<HostTensor<'float32'>> {
    const { hiddenSize, vocabSize } = this.config;
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (wrong !== undefined) {
      throw new ChatRexError('invalid-argument', `token id ${wrong} is outside the vocabulary of ${vocabSize}`);
    }
    if (ids.length === 0) return hostTensor('float32', [0, hiddenSize]);
    const { embeddings } = await this.#embed.run({ ids: hostTensor('int64', [ids.length], ids) });
    return embeddings as HostTensor<'float32'>;
  }

  /** Memory of one token in a cache. */
  get bytesPerToken(): number {
    const { numHiddenLayers, numKeyValueHeads, headDim } = this.config;
    return 2 * Float32Array.BYTES_PER_ELEMENT * numHiddenLayers * numKeyValueHeads * headDim;
  }

  /** An empty cache of `batch` rows with room for `capacity` tokens each. */
  createCache({ batch = 1, capacity }: { batch?: number; capacity: number }): KvCache {
    if (capacity > this.maxPositions) {
      const message = `a cache of ${capacity} tokens exceeds the ${this.maxPositions} positions of this model`;
      throw new ChatRexError('limit-exceeded', message);
    }
    return new KvCache(this.config, { batch, capacity });
  }

  /**
   * Reads more tokens into one row of a cache.
   *
   * Rows are read one by one, each at its own length, which wastes nothing on padding.
   * @param embeddings float32 [tokens, hiddenSize], at least one token.
   * @param options.signal ends the reading with an error of code 'aborted'; the row is then as
   *   before.
   * @returns logits of the token that follows, float32 [vocabSize].
   * @throws ChatRexError 'invalid-file' when weights hold NaN, naming them
   */
  async read(
    cache: KvCache,
    row: number,
    embeddings: HostTensor<'float32'>,
    { signal, lexicon }: { signal?: AbortSignal; lexicon?: Lexicon } = {},
  ): Promise<Float32Array> {
    const [tokens, width] = embeddings.shape;
    const { hiddenSize } = this.config;
    if (embeddings.shape.length !== 2 || width !== hiddenSize || tokens === 0) {
      const message = `embeddings must be [1 or more tokens, ${hiddenSize}], not [${embeddings.shape.join(', ')}]`;
      throw new ChatRexError('invalid-shape', message);
    }
    const before = cache.lengths[row];
    cache.requireRoom(before + tokens);
    let [logits, hidden]: [Float32Array, Float32Array] = [new Float32Array(), new Float32Array()];
    try {
      for (let start = 0; start < tokens; start += stretchTokens) {
        const stretch = embeddings.data.subarray(start * width, (start + stretchTokens) * width);
        const batched = hostTensor('float32', [1, stretch.length / width, width], stretch);
        const result = await this.#run(batched, cache.layersOfRow(row), [before + start], signal);
        cache.append(result.added, [row]);
        ({ logits, hidden } = result);
      }
    } catch (error) {
      cache.rewind(before, row);
      throw error;
    }
    if (hasNaN(logits)) throw await explainNaN('logits', this.#weights);
    lexicon?.score?.(logits, hidden);
    return logits;
  }

  /**
   * Reads one more token into each of the rows that are `active`; what is fed for other rows has no effect.
   * @param ids one token id per row.
   * @param lexicon what they and the tokens to follow mean, to all rows or to each
   * @returns logits of the tokens that follow, one float32 [vocabSize] per row; meaningless for rows not active.
   */
  async step(
    cache: KvCache,
    ids: readonly number[],
    active: readonly boolean[],
    lexicon: Lexicon | readonly Lexicon[] = this,
  ): Promise<Float32Array[]> {
    const { hiddenSize, vocabSize } = this.config;
    cache.requireRoom(1 + Math.max(...cache.lengths.filter((_, row) => active[row])));
    const lexicons = 'embed' in lexicon ? new Array<Lexicon>(ids.length).fill(lexicon) : lexicon;
    const embeddings = hostTensor('float32', [cache.batch, 1, hiddenSize], await embedEach(ids, lexicons));
    const { logits, hidden, added } = await this.#run(embeddings, cache.layers, cache.lengths);
    cache.append(
      added,
      active.map((isActive, row) => (isActive ? row : null)),
    );
    const rows = active.map((_, row) => logits.subarray(row * vocabSize, (row + 1) * vocabSize));
    if (rows.some((ofRow, row) => active[row] && hasNaN(ofRow))) throw await explainNaN('logits', this.#weights);
    return rows.map((ofRow, row) => {
      lexicons[row].score?.(ofRow, hidden.subarray(row * hiddenSize, (row + 1) * hiddenSize));
      return ofRow;
    });
  }

  async #run(
    embeddings: HostTensor<'float32'>,
    layers: readonly LayerMemory[],
    lengths: readonly number[],
    signal?: AbortSignal,
  ) {
    const feeds: Record<string, HostTensor> = {
      embeddings,
      lengths: hostTensor('int64', [lengths.length], lengths),
    };
    layers.forEach(({ key, value }, i) => {
      Object.assign(feeds, { [`past.${i}.key`]: key, [`past.${i}.value`]: value });
    });
    const [, tokens] = embeddings.shape;
    const session = (tokens >= fewestTokensInInt8 && this.#extendLong) || this.#extend;
    const outputs = (await session.run(feeds, {}, signal)) as Record<string, HostTensor<'float32'>>;
    const added = layers.map(
      (_, i): LayerMemory => ({ key: outputs[`own.${i}.key`], value: outputs[`own.${i}.value`] }),
    );
    return { logits: outputs.logits.data, hidden: outputs.hidden.data, added };
  }

  /** Frees the sessions; the model cannot be used again. */
  async dispose(): Promise<void> {
    await this.#embed.dispose();
    await this.#extend.dispose();
    await this.#extendLong?.dispose();
  }
}

/**
 * Embeddings [ids, hiddenSize] of tokens that may mean something else in each row; rows of one lexicon are one lookup.
 */
async function embedEach(ids: readonly number[], lexicons: readonly Lexicon[]): Promise<Float32Array> {
  const rowsOf = new Map<Lexicon, number[]>();
  lexicons.forEach((lexicon, row) => {
    rowsOf.set(lexicon, [...(rowsOf.get(lexicon) ?? []), row]);
  });
  if (rowsOf.size === 1) return (await lexicons[0].embed(ids)).data;
  const embedded: Float32Array[] = [];
  for (const [lexicon, rows] of rowsOf) {
    const { data } = await lexicon.embed(rows.map((row) => ids[row]));
    const width = data.length / rows.length;
    rows.forEach((row, i) => {
      embedded[row] = data.subarray(i * width, (i + 1) * width);
    });
  }
  const width = embedded[0].length;
  const all = new Float32Array(ids.length * width);
  embedded.forEach((values, row) => {
    all.set(values, row * width);
  });
  return all;
}

/** Logits after the last token alone: a prefix of a thousand tokens needs one row of a vocabulary, not a thousand. */
export function extensionGraph(model: Llama, config: LlamaConfig): Record<string, Tensor> {
  const { hiddenSize, numHiddenLayers, numKeyValueHeads, headDim, vocabSize } = config;
  const embeddings = input('embeddings', 'float32', ['batch', 'sequence', hiddenSize]);
  const caches = Array.from({ length: numHiddenLayers }, (_, i) => ({
    key: input(`past.${i}.key`, 'float32', ['batch', numKeyValueHeads, headDim, 'capacity']),
    value: input(`past.${i}.value`, 'float32', ['batch', numKeyValueHeads, 'capacity', headDim]),
  }));
  const { hidden, added } = model.extend(embeddings, caches, input('lengths', 'int64', ['batch']));
  const last = reshape(slice(hidden, { axis: 1, start: -1 }), ['batch', hiddenSize]);
  const outputs: Record<string, Tensor> = { logits: reshape(model.logits(last), ['batch', vocabSize]), hidden: last };
  added.forEach(({ key, value }, i) => {
    outputs[`own.${i}.key`] = key;
    outputs[`own.${i}.value`] = value;
  });
  return outputs;
}
