/**
 * Keys and values of the tokens read so far. The memory is allocated once and extended in place by the runtime; going
 * back to a prefix is a matter of forgetting a length, since nothing is ever overwritten before it.
 */

import { ChatRexError } from '../errors.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { LlamaConfig } from './llama-config.ts';

/** Keys and values of one layer, float32 [batch, numKeyValueHeads, capacity, headDim]. */
export interface LayerMemory {
  readonly key: HostTensor<'float32'>;
  readonly value: HostTensor<'float32'>;
}

type CacheConfig = Pick<LlamaConfig, 'numHiddenLayers' | 'numKeyValueHeads' | 'headDim'>;

export class KvCache {
  readonly batch: number;
  /** Tokens that each row has room for. */
  readonly capacity: number;
  /** Tokens that each row holds. */
  readonly lengths: number[];
  readonly layers: readonly LayerMemory[];
  readonly #config: CacheConfig;

  /** Takes 8 * batch * capacity * layers * keyValueHeads * headDim bytes (1 MiB per token of a 7B Llama). */
  constructor(config: CacheConfig, { batch, capacity }: { batch: number; capacity: number }) {
    const shape = [batch, config.numKeyValueHeads, capacity, config.headDim];
    this.batch = batch;
    this.capacity = capacity;
    this.lengths = new Array<number>(batch).fill(0);
    this.layers = Array.from({ length: config.numHiddenLayers }, () => ({
      key: hostTensor('float32', shape),
      value: hostTensor('float32', shape),
    }));
    this.#config = config;
  }

  /** One row's part of a layer, [1, numKeyValueHeads, capacity, headDim], sharing its memory. */
  rowOf(layer: number, row: number): LayerMemory {
    const { key, value } = this.layers[layer];
    const size = key.data.length / this.batch;
    const view = ({ shape, data }: HostTensor<'float32'>): HostTensor<'float32'> => ({
      dtype: 'float32',
      shape: shape.with(0, 1),
      data: data.subarray(row * size, (row + 1) * size),
    });
    return { key: view(key), value: view(value) };
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
   * A cache with room for `capacity` tokens whose rows are copies of these rows of this one, in order; the first row
   * given several times starts several questions on one picture.
   * @throws ChatRexError 'limit-exceeded' when the tokens do not fit.
   */
  fork(rows: readonly number[], capacity: number): KvCache {
    const copy = new KvCache(this.#config, { batch: rows.length, capacity });
    rows.forEach((row, target) => {
      const length = this.lengths[row];
      if (length > capacity) {
        throw new ChatRexError(
          'limit-exceeded',
          `a cache of ${capacity} tokens cannot take the ${length} of row ${row}`,
        );
      }
      copy.lengths[target] = length;
    });
    const { numHiddenLayers, numKeyValueHeads, headDim } = this.#config;
    for (let layer = 0; layer < numHiddenLayers; layer++) {
      rows.forEach((row, target) => {
        const [from, to] = [this.rowOf(layer, row), copy.rowOf(layer, target)];
        for (const part of ['key', 'value'] as const) {
          for (let head = 0; head < numKeyValueHeads; head++) {
            const start = head * this.capacity * headDim;
            const tokens = from[part].data.subarray(start, start + this.lengths[row] * headDim);
            to[part].data.set(tokens, head * capacity * headDim);
          }
        }
      });
    }
    return copy;
  }
}
