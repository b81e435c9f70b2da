/** A map from 60-bit hashes to indices in 24 bytes an entry or less, where a Map takes a hundred. */

export class IndexTable {
  #keys = new BigUint64Array(2048);
  #values = new Uint32Array(2048);
  #size = 0;

  /** @param key not 0, which marks a free place */
  get(key: bigint): number | undefined {
    const at = this.#place(key);
    return this.#keys[at] === 0n ? undefined : this.#values[at];
  }

  set(key: bigint, value: number): void {
    if (2 * this.#size >= this.#keys.length) this.#grow();
    const at = this.#place(key);
    if (this.#keys[at] === 0n) this.#size++;
    this.#keys[at] = key;
    this.#values[at] = value;
  }

  /** Where the key is, or where it would be. The keys are hashes already, so their low bits are as good as any. */
  #place(key: bigint): number {
    const mask = this.#keys.length - 1;
    let at = Number(key & BigInt(mask));
    while (this.#keys[at] !== 0n && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new BigUint64Array(2 * keys.length);
    this.#values = new Uint32Array(2 * keys.length);
    for (const [at, key] of keys.entries()) {
      if (key === 0n) continue;
      const place = this.#place(key);
      this.#keys[place] = key;
      this.#values[place] = values[at];
    }
  }
}
