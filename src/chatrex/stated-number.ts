/** The number that an answer states, in digits or English words. */

const units = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** "no" and "none" are 0. */
const numberOf = new Map([
  ['no', 0],
  ['none', 0],
  ...units.map((word, i) => [word, i] as const),
  ...tens.flatMap((ten, i) =>
    units.slice(0, 10).map((unit, j) => [j === 0 ? ten : `${ten} ${unit}`, 20 + 10 * i + j] as const),
  ),
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
