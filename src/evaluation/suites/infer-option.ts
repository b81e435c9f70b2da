/**
 * Finds the option that a text names, as VLMEvalKit does before it asks a judge (`can_infer` in
 * utils/matching_util.py).
 */

import type { Options } from './mmmu-parse.ts';

/** The answer of a model that refuses counts as no option. */
export const NO_OPTION = 'Z';

const refusals = [
  "Sorry, I can't help with images of people yet.",
  "I can't process this file.",
  "I'm sorry, but without the image provided",
  'Cannot determine the answer',
];

/** An option's letter is believed only among this many last words. */
const lastWords = 4;

/**
 * The letter of the option, `Z` for a refusal, or undefined where the text leaves it open: exactly one letter among the
 * words and near the end, else "answer is B", else exactly one option whose text is in a text that is not too long.
 */
export function inferOption(answer: string, options: Options): string | undefined {
  return inferLetter(answer, options) ?? inferText(answer, options);
}

function inferLetter(answer: string, options: Options): string | undefined {
  if (answer.includes('Failed to obtain answer via API')) return undefined;
  if (refusals.some((refusal) => answer.includes(refusal))) return NO_OPTION;
  const words = answer
    .replace(/[.()[\],:;!*#{}]/g, ' ')
    .split(/\s+/u)
    .filter(Boolean);
  const named = Object.keys(options).filter((letter) => words.includes(letter));
  if (named.length === 1 && words.indexOf(named[0]) >= words.length - lastWords) return named[0];
  if (named.length === 0 && words.includes(NO_OPTION)) return NO_OPTION;
  const letter = /(?:correct\s+)?answer\s+is\s+\**([ABCD])\**/i.exec(answer)?.[1].toUpperCase();
  return letter !== undefined && letter in options ? letter : undefined;
}

function inferText(answer: string, options: Options): string | undefined {
  const lengths = Object.values(options).reduce((sum, text) => sum + text.length, 0);
  const lower = answer.toLowerCase();
  if (lower.length > 2 * lengths) return undefined;
  const named = Object.keys(options).filter((letter) => lower.includes(options[letter].toLowerCase()));
  return named.length === 1 ? named[0] : undefined;
}
