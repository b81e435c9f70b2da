/**
 * Whether an answer in a sentence states a fact. The answer is searched for words of the same kind (color, side, number
 * ...); the first or the last one counts, depending on the kind.
 *
 * "The red balloon is blue" states blue, "No, there is no dog" states no. Words are found longest first, so that
 * "cherry blossom" is no cherry.
 */

import { statedNumber } from '../../chatrex/stated-number.ts';
import { normalizePhrase } from '../../evaluation/metrics/normalize-phrase.ts';
import { numberValue } from '../../prompt/words.ts';
import { CATEGORIES } from '../categories.ts';
import { RELATION_PHRASES, SIDE_PHRASES } from '../description.ts';
import { COLOUR_NAMES } from '../paint.ts';

interface FactKind {
  readonly words: ReadonlySet<string>;
  readonly decides: 'first' | 'last';
  readonly pattern: RegExp;
}

const kinds: readonly FactKind[] = [
  factKind(['yes', 'no'], 'first'),
  factKind(COLOUR_NAMES, 'last'),
  factKind(Object.values(SIDE_PHRASES), 'last'),
  factKind(Object.values(RELATION_PHRASES), 'last'),
  factKind(
    CATEGORIES.map(({ name }) => name),
    'first',
  ),
];

/** @param expected a word of the world: yes, no, a number, a colour, a place, a relation or a category */
export function statesFact(answer: string, expected: string): boolean {
  const number = numberValue(expected);
  if (number !== null) return statedNumber(answer) === number;
  const [said, fact] = [normalizePhrase(answer), normalizePhrase(expected)];
  const kind = kinds.find(({ words }) => words.has(fact));
  if (!kind) return said === fact;
  const found = said.match(kind.pattern);
  return found !== null && found[kind.decides === 'first' ? 0 : found.length - 1] === fact;
}

function factKind(words: readonly string[], decides: FactKind['decides']): FactKind {
  const normalized = words.map(normalizePhrase).sort((a, b) => b.length - a.length);
  return {
    words: new Set(normalized),
    decides,
    pattern: new RegExp(`(?<![\\p{L}\\p{N}])(?:${normalized.join('|')})(?![\\p{L}\\p{N}])`, 'gu'),
  };
}
