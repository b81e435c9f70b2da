/**
 * All that RexWorld can say: words for a tokenizer, sentences to train one on.
 */

import { allWordings } from '../prompt/phrasings.ts';
import { groundingWordings, QUESTIONS } from '../prompt/questions.ts';
import { NUMBER_WORDS } from '../prompt/words.ts';
import { BACKGROUND_PHRASES } from './background.ts';
import { CATEGORIES } from './categories.ts';
import { ORDINALS, pluralNoun } from './description.ts';
import { COUNTABLE_HYPERNYMS } from './facts.ts';
import { COLOUR_NAMES } from './paint.ts';
import { ANSWER_WORDS } from './tasks/region-qa.ts';

/** Modifiers that stand alone in phrases. */
const MODIFIER_WORDS = [
  'small',
  'large',
  'leftmost',
  'rightmost',
  'topmost',
  'bottommost',
  'largest',
  'smallest',
  'from',
];

/** Every distinct word of questions and answers, sorted, without punctuation. */
export function worldWords(): string[] {
  const texts = [...worldPhrases(), ...ANSWER_WORDS, ...MODIFIER_WORDS, ...ORDINALS, ...NUMBER_WORDS];
  return [...new Set(texts.flatMap(wordsOf))].sort();
}

/** Every name, wording and background: what the samples are put together from. */
export function worldPhrases(): string[] {
  return [
    ...CATEGORIES.flatMap(({ name, plural }) => [name, plural]),
    ...COUNTABLE_HYPERNYMS.flatMap((noun) => [noun, pluralNoun(noun)]),
    ...COLOUR_NAMES,
    ...BACKGROUND_PHRASES,
    ...[
      ...allWordings(),
      ...groundingWordings(),
      ...Object.values(QUESTIONS).flatMap(({ seen, unseen }) => [...seen, ...unseen]),
    ].map((wording) => wording.replace(/\[OBJ\]|\{name\}/g, '')),
  ];
}

/** The words of a text. */
export function wordsOf(text: string): string[] {
  return text.match(/[A-Za-z]+/g) ?? [];
}
