/** Finds the earlier image that an image repeats, by file and by looks, in little memory: a hundred bytes an image. */

import { IndexTable } from './index-table.ts';

/** Images are found by any of five parts of their hash: two hashes that differ in four bits agree in one of them. */
const parts = [13, 13, 13, 13, 12];
export const maxDuplicateBits = parts.length - 1;

export class Duplicates {
  readonly #bits: number;
  /** High and low half of the hash of every kept image. */
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  #indices = new Uint32Array(1024);
  #size = 0;
  /** For each part of the hash, the last image with each value, and for each image the one before it. */
  readonly #last = parts.map((width) => new Int32Array(2 ** width).fill(-1));
  #before = parts.map(() => new Int32Array(1024));
  /** By the first 60 bits of their file hashes. */
  readonly #files = new IndexTable();

  /** @param bits how many bits the hashes of copies may differ in, up to four; -1 compares files only */
  constructor(bits: number) {
    this.#bits = bits;
  }

  /**
   * The index of the first kept image that this one repeats; otherwise it is kept.
   * @param id hash of all that makes it equal to another
   * @param looks 16 hexadecimal digits; undefined compares by id only: another conversation about the same image is no
   *   duplicate
   */
  findOrKeep(index: number, id: string, looks?: string): number | undefined {
    const file = BigInt(`0x${id.slice(0, 15)}`) + 1n;
    const same = this.#files.get(file);
    if (same !== undefined) return same;
    if (this.#bits < 0 || looks === undefined) {
      this.#files.set(file, index);
      return undefined;
    }
    const [high, low] = [Number.parseInt(looks.slice(0, 8), 16), Number.parseInt(looks.slice(8), 16)];
    const values = partsOf(high, low);
    const similar = this.#findSimilar(high, low, values);
    this.#files.set(file, similar ?? index);
    if (similar === undefined) this.#keep(index, high, low, values);
    return similar;
  }

  #findSimilar(high: number, low: number, values: readonly number[]): number | undefined {
    let found: number | undefined;
    for (const [part, value] of values.entries()) {
      for (let at = this.#last[part][value]; at >= 0; at = this.#before[part][at]) {
        const distance = ones(high ^ this.#high[at]) + ones(low ^ this.#low[at]);
        if (distance <= this.#bits && (found === undefined || this.#indices[at] < found)) found = this.#indices[at];
      }
    }
    return found;
  }

  #keep(index: number, high: number, low: number, values: readonly number[]): void {
    if (this.#size === this.#high.length) this.#grow();
    const at = this.#size++;
    this.#high[at] = high;
    this.#low[at] = low;
    this.#indices[at] = index;
    for (const [part, value] of values.entries()) {
      this.#before[part][at] = this.#last[part][value];
      this.#last[part][value] = at;
    }
  }

  #grow(): void {
    const longer = <A extends Uint32Array | Int32Array>(array: A): A => {
      const copy = new (array.constructor as new (length: number) => A)(2 * array.length);
      copy.set(array);
      return copy;
    };
    this.#high = longer(this.#high);
    this.#low = longer(this.#low);
    this.#indices = longer(this.#indices);
    this.#before = this.#before.map(longer);
  }
}

/** Five parts of 64 bits. */
function partsOf(high: number, low: number): number[] {
  const hash = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  let shift = 0n;
  return parts.map((width) => {
    const value = Number((hash >> shift) & ((1n << BigInt(width)) - 1n));
    shift += BigInt(width);
    return value;
  });
}

function ones(word: number): number {
  let left = word - ((word >>> 1) & 0x55555555);
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
  return Math.imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
