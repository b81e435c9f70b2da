/** A set of texts that keeps 64 bits of each: 16 bytes an entry, where a `Set` of strings takes a hundred. */

const initialSlots = 1 << 12;

/** Two different texts are taken for the same with a probability of about n^2 / 2^65: 1 in 300,000 for ten million. */
export class IdSet {
  #high = new Uint32Array(initialSlots);
  #low = new Uint32Array(initialSlots);
  #count = 0;

  /** Adds a text; false where it is in the set already. */
  add(text: string): boolean {
    if (2 * this.#count >= this.#high.length) this.#grow();
    const isNew = insert(this.#high, this.#low, hash(text, 0x9e3779b9), hash(text, 0x811c9dc5) || 1);
    if (isNew) this.#count++;
    return isNew;
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low];
    this.#high = new Uint32Array(2 * high.length);
    this.#low = new Uint32Array(2 * low.length);
    for (let at = 0; at < low.length; at++) if (low[at] !== 0) insert(this.#high, this.#low, high[at], low[at]);
  }
}

/** Open addressing; a slot with low = 0 is free. */
function insert(highs: Uint32Array, lows: Uint32Array, high: number, low: number): boolean {
  const mask = lows.length - 1;
  for (let slot = (high ^ low) & mask; ; slot = (slot + 1) & mask) {
    if (lows[slot] === 0) {
      highs[slot] = high;
      lows[slot] = low;
      return true;
    }
    if (lows[slot] === low && highs[slot] === high) return false;
  }
}

/** FNV-1a with the finaliser of murmur3. */
function hash(text: string, seed: number): number {
  let bits = seed;
  for (let at = 0; at < text.length; at++) bits = Math.imul(bits ^ text.charCodeAt(at), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
