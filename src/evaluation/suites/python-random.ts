/**
 * Python's `random` as far as scoring scripts use it: the Mersenne Twister (Matsumoto and Nishimura 1998), seeded by a
 * whole number, and `choice`. MMMU's script guesses with seed 42 where it finds no option, so its figure depends on
 * this stream.
 */

const size = 624;
const shift = 397;

export class PythonRandom {
  readonly #state = new Uint32Array(size);
  #at = size;

  /** @param seed a whole number of at most 32 bits */
  constructor(seed: number) {
    this.#seedByArray([seed >>> 0]);
  }

  /** One of the items, as `random.choice` picks it. */
  choice<T>(items: readonly T[]): T {
    const bits = 32 - Math.clz32(items.length);
    for (;;) {
      const index = this.#next() >>> (32 - bits);
      if (index < items.length) return items[index];
    }
  }

  #seedByNumber(seed: number): void {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < size; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  }

  #seedByArray(key: readonly number[]): void {
    const state = this.#state;
    this.#seedByNumber(19650218);
    let i = 1;
    let j = 0;
    const wrap = () => {
      if (++i < size) return;
      state[0] = state[size - 1];
      i = 1;
    };
    const mixed = (factor: number) => state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor);
    for (let k = Math.max(size, key.length); k > 0; k--) {
      state[i] = mixed(1664525) + key[j] + j;
      wrap();
      j = (j + 1) % key.length;
    }
    for (let k = size - 1; k > 0; k--) {
      state[i] = mixed(1566083941) - i;
      wrap();
    }
    state[0] = 0x80000000;
  }

  #refill(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const joined = (state[i] & 0x80000000) | (state[(i + 1) % size] & 0x7fffffff);
      state[i] = state[(i + shift) % size] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }

  #next(): number {
    if (this.#at === size) this.#refill();
    let y = this.#state[this.#at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
}
