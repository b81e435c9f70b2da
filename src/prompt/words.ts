/**
 * Small grammar: articles, number words, lists.
 */

const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = ',,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety'.split(',');

/** "twenty three" for 23; 0 to 99. */
export function numberWord(value: number): string {
  if (value < 20) return UNITS[value];
  return value % 10 === 0 ? TENS[value / 10] : `${TENS[Math.floor(value / 10)]} ${UNITS[value % 10]}`;
}

/** The value of a number word, or null: the inverse of {@link numberWord}. */
export function numberValue(word: string): number | null {
  for (let value = 0; value < 100; value++) if (numberWord(value) === word) return value;
  return null;
}

/** "an" before a vowel sound. */
export function articleFor(phrase: string): 'a' | 'an' {
  if (/^(uni|one|eu)/.test(phrase)) return 'a';
  return /^([aeiou]|hour)/.test(phrase) ? 'an' : 'a';
}

/** Every word that numbers are written with. */
export const NUMBER_WORDS: readonly string[] = [...UNITS, ...TENS.filter((word) => word !== '')];

/** Nouns of common vocabularies whose plural no rule gives. */
const irregularPlurals: Readonly<Record<string, string>> = {
  person: 'people',
  man: 'men',
  woman: 'women',
  child: 'children',
  mouse: 'mice',
  goose: 'geese',
  foot: 'feet',
  tooth: 'teeth',
  knife: 'knives',
  shelf: 'shelves',
  sheep: 'sheep',
  scissors: 'scissors',
  skis: 'skis',
};

/** "foxes" for "fox", "wine glasses" for "wine glass": the last word decides. */
export function pluralOf(noun: string): string {
  const [last] = noun.split(' ').slice(-1);
  const irregular = Object.hasOwn(irregularPlurals, last) ? irregularPlurals[last] : undefined;
  if (irregular !== undefined) return noun.slice(0, noun.length - last.length) + irregular;
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  if (/(tomato|potato|mango|volcano)$/.test(noun)) return `${noun}es`;
  return `${noun}s`;
}
