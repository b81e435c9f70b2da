/** The number that an answer states, in digits or English words. */

import { numberWord } from '../prompt/words.ts';

/** "no" and "none" are 0. */
const numberOf = new Map([
  ['no', 0],
  ['none', 0],
  ...Array.from({ length: 100 }, (_, value) => [numberWord(value), value] as const),
]);

/** The first number in a text, undefined where there is none; 0 to 99 in words. */
export function statedNumber(text: string): number | undefined {
  const words = text.toLowerCase().match(/\p{L}+|\d+/gu) ?? [];
  for (const [i, word] of words.entries()) {
    if (/^\d/.test(word)) return Number(word);
    const value = numberOf.get(`${word} ${words[i + 1]}`) ?? numberOf.get(word);
    if (value !== undefined) return value;
  }
  return undefined;
}
