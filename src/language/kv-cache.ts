/**
 * Keys and values of the tokens read so far, in memory that is extended in place.
 *
 * Going back to a prefix is a matter of forgetting a length, since nothing before it is ever overwritten. Memory
 * follows what is held, in steps, rather than what may come: attention runs over all of it, and a 7B Llama takes a
 * mebibyte a token.
 */

import { ChatRexError } from '../errors.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { LlamaConfig } from './llama-config.ts';

/** Keys and values of one layer, in the layouts of `KeysAndValues`. */
export interface LayerMemory {
  readonly key: HostTensor<'float32'>;
  readonly value: HostTensor<'float32'>;
}

type CacheConfig = Pick<LlamaConfig, 'numHiddenLayers' | 'numKeyValueHeads' | 'headDim'>;

/** Memory grows by whole multiples of this many tokens per row. */
const growthTokens = 128;

export class KvCache {
  readonly batch: number;
  /** Tokens that a row may come to hold. */
  readonly capacity: number;
  /** Tokens that each row holds. */
  readonly lengths: number[];
  readonly #config: CacheConfig;
  #layers: LayerMemory[];
  /** Tokens per row that there is memory for. */
  #allocated = 0;

  /** An empty cache. A token takes 8 * layers * keyValueHeads * headDim bytes. */
  constructor(config: CacheConfig, { batch, capacity }: { batch: number; capacity: number }) {
    this.batch = batch;
    this.capacity = capacity;
    this.lengths = new Array<number>(batch).fill(0);
    this.#config = config;
    this.#layers = Array.from({ length: config.numHiddenLayers }, () => allocate(config, batch, 0));
  }

  /** Keys and values of all rows, per layer, with room behind them. */
  get layers(): readonly LayerMemory[] {
    return this.#layers;
  }

  /** Memory of keys and values, in bytes. */
  get sizeBytes(): number {
    return this.#layers.reduce((sum, { key, value }) => sum + key.data.byteLength + value.data.byteLength, 0);
  }

  /**
   * Keys and values of one row, per layer, sharing their memory. A row that holds nothing has no memory to run over.
   */
  layersOfRow(row: number): LayerMemory[] {
    if (this.lengths[row] === 0) return this.#layers.map(() => allocate(this.#config, 1, 0));
    const view = ({ shape, data }: HostTensor<'float32'>): HostTensor<'float32'> => {
      const size = data.length / this.batch;
      return { dtype: 'float32', shape: shape.with(0, 1), data: data.subarray(row * size, (row + 1) * size) };
    };
    return this.#layers.map(({ key, value }) => ({ key: view(key), value: view(value) }));
  }

  /** @throws ChatRexError 'limit-exceeded' when a row cannot come to hold so many tokens. */
  requireRoom(length: number): void {
    if (length <= this.capacity) return;
    const message = `the text would have ${length} tokens, the cache takes ${this.capacity}; give it more capacity`;
    throw new ChatRexError('limit-exceeded', message);
  }

  /**
   * Adds tokens at the end of rows.
   * @param added per layer, as many tokens for each entry of `rows`.
   * @param rows for which they are; those of a null are dropped.
   */
  append(added: readonly LayerMemory[], rows: readonly (number | null)[]): void {
    const tokens = added[0].value.shape[2];
    const longest = Math.max(...rows.map((row) => (row === null ? 0 : this.lengths[row] + tokens)));
    this.requireRoom(longest);
    this.#reserve(longest);
    added.forEach((source, layer) => {
      rows.forEach((row, from) => {
        if (row !== null) copyTokens(source, from, this.#layers[layer], row, { tokens, at: this.lengths[row] });
      });
    });
    for (const row of rows) if (row !== null) this.lengths[row] += tokens;
  }

  /**
   * Forgets all after the first `length` tokens of a row (of all rows where none is given).
   * @throws ChatRexError 'invalid-argument' for more tokens than the row holds.
   */
  rewind(length: number, row?: number): void {
    for (const r of row === undefined ? this.lengths.keys() : [row]) {
      if (length < 0 || length > this.lengths[r]) {
        const message = `row ${r} of the cache holds ${this.lengths[r]} tokens; it cannot go back to ${length}`;
        throw new ChatRexError('invalid-argument', message);
      }
      this.lengths[r] = length;
    }
  }

  /**
   * A cache for up to `capacity` tokens whose rows are copies of these rows of this one, in order; one row given
   * several times starts several questions on one image.
   * @throws ChatRexError 'limit-exceeded' when the tokens do not fit.
   */
  fork(rows: readonly number[], capacity: number): KvCache {
    const copy = new KvCache(this.#config, { batch: rows.length, capacity });
    const longest = Math.max(...rows.map((row) => this.lengths[row]));
    copy.requireRoom(longest);
    copy.#reserve(longest);
    this.#layers.forEach((source, layer) => {
      rows.forEach((row, to) => {
        copyTokens(source, row, copy.#layers[layer], to, { tokens: this.lengths[row], at: 0 });
      });
    });
    copy.lengths.splice(0, rows.length, ...rows.map((row) => this.lengths[row]));
    return copy;
  }

  /**
   * Makes row `to` a copy of row `from` of another cache of the same model.
   * @throws ChatRexError 'limit-exceeded' when the tokens do not fit.
   */
  copyRow(source: KvCache, from: number, to: number): void {
    const tokens = source.lengths[from];
    this.requireRoom(tokens);
    this.#reserve(tokens);
    source.#layers.forEach((layer, i) => {
      copyTokens(layer, from, this.#layers[i], to, { tokens, at: 0 });
    });
    this.lengths[to] = tokens;
  }

  /** Makes memory for rows of this length; layer by layer, so that old and new of one layer alone exist at a time. */
  #reserve(length: number): void {
    if (length <= this.#allocated) return;
    const wanted = Math.min(Math.ceil(length / growthTokens) * growthTokens, this.capacity);
    this.#layers.forEach((old, layer) => {
      const larger = allocate(this.#config, this.batch, wanted);
      this.lengths.forEach((tokens, row) => {
        copyTokens(old, row, larger, row, { tokens, at: 0 });
      });
      this.#layers[layer] = larger;
    });
    this.#allocated = wanted;
  }
}

function allocate({ numKeyValueHeads, headDim }: CacheConfig, batch: number, tokens: number): LayerMemory {
  return {
    key: hostTensor('float32', [batch, numKeyValueHeads, headDim, tokens]),
    value: hostTensor('float32', [batch, numKeyValueHeads, tokens, headDim]),
  };
}

/** Copies the first tokens of row `from` to row `to`, from position `at` on. */
function copyTokens(
  source: LayerMemory,
  from: number,
  target: LayerMemory,
  to: number,
  { tokens, at }: { tokens: number; at: number },
): void {
  const [, heads, headDim, room] = source.key.shape;
  const targetRoom = target.key.shape[3];
  for (let head = 0; head < heads; head++) {
    const start = (from * heads + head) * room * headDim;
    const values = source.value.data.subarray(start, start + tokens * headDim);
    target.value.data.set(values, ((to * heads + head) * targetRoom + at) * headDim);
  }
  const [keys, targetKeys] = [source.key.data, target.key.data];
  for (let channel = 0; channel < heads * headDim; channel++) {
    const start = (from * heads * headDim + channel) * room;
    const end = (to * heads * headDim + channel) * targetRoom + at;
    // A view costs more than the one number of a decoded token.
    if (tokens === 1) targetKeys[end] = keys[start];
    else targetKeys.set(keys.subarray(start, start + tokens), end);
  }
}
