/**
 * Sentences that add: "there are three red cubes and four small rings , seven things in all ." Words are the tokens.
 */

import type { Random } from '../src/random.ts';

const numbers = [
  ...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen'],
];
const qualities = ['red', 'green', 'blue', 'small', 'large', 'old', 'new', 'round'];
const things = ['cubes', 'rings', 'cups', 'birds', 'keys', 'boats', 'shoes', 'stars'];
const frame = ['there', 'are', 'and', ',', 'things', 'in', 'all', '.'];

export const words: readonly string[] = [...numbers, ...qualities, ...things, ...frame];
const ids = new Map(words.map((word, id) => [word, id]));

/** Tokens of every sentence. */
export const sentenceLength = 15;
/** Where the sum stands: it follows from the words before it, and from nothing less than both numbers. */
export const sumPosition = 10;

/** One of 331,776 sentences, as ids. A tenth of them, told by their words, is kept for testing. */
export function sentence(random: Random, isTest: boolean): number[] {
  for (;;) {
    const parts = [random.int(1, 9), random.int(1, 9)];
    const [a, b] = parts.map((count) => `${numbers[count - 1]} ${random.pick(qualities)} ${random.pick(things)}`);
    const text = `there are ${a} and ${b} , ${numbers[parts[0] + parts[1] - 1]} things in all .`;
    const sentenceIds = text.split(' ').map((word) => ids.get(word) as number);
    const hash = sentenceIds.reduce((sum, id) => (sum * 31 + id) % 1009, 7);
    if ((hash % 10 === 0) === isTest) return sentenceIds;
  }
}
