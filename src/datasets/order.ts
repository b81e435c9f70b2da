/**
 * Which sample stands at which position of training: pure functions, so that resuming is knowing the step, a shard is a
 * set of positions, and it does not matter which thread or machine computes a batch.
 *
 * Within an epoch of a part every index comes once, in an order of its own (a keyed Feistel permutation with cycle
 * walking). Parts of a mixture share blocks of 1,000 positions, each exactly by weight.
 */

import { ChatRexError } from '../errors.ts';
import { createRandom } from '../random.ts';

/** What a position is: a sample of a part, and how many times that part has been through before. */
export interface Draw {
  readonly part: number;
  readonly index: number;
  readonly epoch: number;
}

export type Order = (position: number) => Draw;

export interface OrderPart {
  /** Number of samples. */
  readonly size: number;
  /** Share of positions, relative to the other parts. */
  readonly weight: number;
}

/** Positions that share one division among the parts: shares are right to a thousandth. */
const blockSize = 1000;

/**
 * @param seed same seed, same order
 * @throws ChatRexError 'invalid-argument' for parts without samples or without any weight
 * @example const order = createOrder(1, [{ size: 117_266, weight: 3 }, { size: 1000, weight: 1 }]);
 *   order(0); // { part: 0, index: 48_211, epoch: 0 }
 */
export function createOrder(seed: number, parts: readonly OrderPart[]): Order {
  const shares = sharesOf(parts);
  const [only] = parts;
  if (parts.length === 1) return (position) => drawOf(seed, 0, only.size, position);
  const before = shares.map((_, part) => shares.slice(0, part).reduce((sum, share) => sum + share, 0));
  return (position) => {
    const block = Math.floor(position / blockSize);
    const place = permuted(position % blockSize, blockSize, keyOf(`${seed}/block/${block}`));
    const part = shares.findIndex((share, p) => place < before[p] + share);
    return drawOf(seed, part, parts[part].size, block * shares[part] + place - before[part]);
  };
}

/** Positions of a block for each part: whole numbers, the largest remainders rounded up. */
function sharesOf(parts: readonly OrderPart[]): number[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  for (const [part, { size, weight }] of parts.entries()) {
    if (!(Number.isInteger(size) && size > 0) || !(weight > 0) || !Number.isFinite(total)) {
      throw new ChatRexError(
        'invalid-argument',
        `part ${part} of the data has ${size} samples and weight ${weight}: both must be more than 0; leave the part out`,
      );
    }
  }
  const exact = parts.map(({ weight }) => (blockSize * weight) / total);
  const shares = exact.map(Math.floor);
  const byRemainder = exact.map((value, part) => [value % 1, part] as const).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const left = blockSize - shares.reduce((sum, share) => sum + share, 0);
  for (let i = 0; i < left; i++) shares[byRemainder[i][1]]++;
  return shares;
}

function drawOf(seed: number, part: number, size: number, ordinal: number): Draw {
  const epoch = Math.floor(ordinal / size);
  return { part, epoch, index: permuted(ordinal % size, size, keyOf(`${seed}/part/${part}/epoch/${epoch}`)) };
}

/** Round keys of one permutation. */
type Key = readonly [number, number, number, number];

/** The permutations of the last blocks and epochs; what is forgotten is computed again. */
const keys = new Map<string, Key>();
const maxKeys = 256;

function keyOf(text: string): Key {
  const known = keys.get(text);
  if (known) return known;
  const random = createRandom(`order/${text}`);
  const word = () => random.int(0, 0xffffffff);
  const key = [word(), word(), word(), word()] as const;
  if (keys.size >= maxKeys) keys.delete(keys.keys().next().value as string);
  keys.set(text, key);
  return key;
}

/** Where `value` goes in the permutation of 0..size-1 that belongs to a key. */
export function permuted(value: number, size: number, key: Key): number {
  if (size === 1) return 0;
  // A balanced Feistel network permutes 0..4^halfBits-1; whoever lands outside of the range walks on.
  const halfBits = Math.ceil(Math.ceil(Math.log2(size)) / 2);
  const mask = 2 ** halfBits - 1;
  let place = value;
  do {
    let [left, right] = [Math.floor(place / 2 ** halfBits), place & mask];
    for (const round of key) [left, right] = [right, left ^ (mixed(right, round) & mask)];
    place = left * 2 ** halfBits + right;
  } while (place >= size);
  return place;
}

/** murmur3's finaliser of a value and a key. */
function mixed(value: number, key: number): number {
  let bits = (value ^ key) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
