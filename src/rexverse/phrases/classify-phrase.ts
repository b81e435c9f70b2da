/**
 * What a noun phrase says about the thing it names: its head, how many, whether it is a thing at all (paper section
 * 4.1).
 */

import type { NounPhrase } from './noun-phrases.ts';
import type { Word } from './tag-words.ts';

export interface ClassifiedPhrase {
  readonly start: number;
  readonly end: number;
  /** What a detector is asked: without article, possessive and number; the head in the singular. */
  readonly query: string;
  /** The head noun with the nouns before it, in the singular: "tennis racket". */
  readonly category: string;
  readonly kind: 'category' | 'descriptive';
  readonly count: number | 'several';
  /** Why it names nothing that has a box, if so. */
  readonly fault?: 'abstract noun' | 'place or part of the image' | 'no noun';
}

/** Words for the image itself and for what has no outline, whatever stands before them. */
const ABSTRACT = new Set(
  `image picture photo photograph photography scene view background foreground backdrop setting atmosphere ambiance
  ambience mood sense feeling vibe appearance impression effect contrast composition perspective closeup lighting brightness
  depth blur variety amount lot way manner time day night morning evening afternoon moment season weather activity event
  motion movement distance environment surroundings nature beauty life air daylight darkness attention emotion expression
  fun addition idea fact concept theme difference presence absence thing something anything everything nothing someone
  color colour shade tone`.split(/\s+/),
);
/** The same, but only alone: a "puzzle piece" and a "picnic area" can be shown, a "piece" and an "area" cannot. */
const ABSTRACT_ALONE = new Set(
  `shot style look focus angle close detail quality texture combination arrangement display collection mix array number
  kind type sort action position pose direction space area place location pattern design shape size height length width
  dimension shadow conversation work use order interest example part piece half rest variation title name word text object
  item stuff`.split(/\s+/),
);
const PLACES = new Set(
  'top side front back bottom middle center centre left right edge corner end inside outside interior exterior surface row line distance'.split(
    ' ',
  ),
);
/** "a group of people": the noun that counts is the next one, so these name nothing by themselves. */
const GROUPS = new Set(
  'group bunch couple pair set series pile stack crowd lot dozen number variety row herd flock fleet'.split(' '),
);

const NUMBERS = new Map(
  'one two three four five six seven eight nine ten eleven twelve'.split(' ').map((word, at) => [word, at + 1]),
);
const SEVERAL = new Set(
  'several many some few various multiple numerous both all these those couple dozens hundreds thousands'.split(' '),
);
const DROPPED = new Set(
  'a an the this that these those some any each every another both all no several many few various multiple numerous his her its their my our your one other'.split(
    ' ',
  ),
);
const NOUNS = new Set(['NOUN', 'PROPN']);

export function classifyPhrase({ start, end, words }: NounPhrase): ClassifiedPhrase {
  const content = withoutOpeners(words);
  const nouns = trailingNouns(content);
  const head = nouns[nouns.length - 1];
  const count = countOf(words, head);
  if (head === undefined) return { start, end, query: '', category: '', kind: 'category', count, fault: 'no noun' };
  const singular = singularOf(head);
  const spelled = (list: readonly Word[]) =>
    join([...list.slice(0, -1), { ...list[list.length - 1], text: singular }]).toLowerCase();
  const fault = faultOf(singular, content.length, nouns.length);
  return {
    ...{ start, end, count },
    query: spelled(content),
    category: spelled(nouns),
    kind: content.filter(({ tag }) => tag !== 'PUNCT').length >= 3 ? 'descriptive' : 'category',
    ...(fault && { fault }),
  };
}

function faultOf(head: string, words: number, nouns: number): ClassifiedPhrase['fault'] {
  if (ABSTRACT.has(head) || (nouns === 1 && ABSTRACT_ALONE.has(head))) return 'abstract noun';
  if (PLACES.has(head) || (GROUPS.has(head) && words === 1)) return 'place or part of the image';
  return undefined;
}

function withoutOpeners(words: readonly Word[]): Word[] {
  const first = words.findIndex(({ lower, tag }) => !DROPPED.has(lower) && tag !== 'DET' && tag !== 'NUM');
  return first < 0 ? [] : words.slice(first);
}

/** The nouns at the end: "racket" of "a red tennis racket", with what modifies it as a noun. */
function trailingNouns(words: readonly Word[]): Word[] {
  let first = words.length;
  while (first > 0 && NOUNS.has(words[first - 1].tag)) first--;
  return words.slice(first);
}

function countOf(words: readonly Word[], head: Word | undefined): number | 'several' {
  for (const { lower } of words) {
    const number = NUMBERS.get(lower) ?? (/^\d{1,3}$/.test(lower) ? Number(lower) : undefined);
    if (number !== undefined) return number;
    if (SEVERAL.has(lower)) return 'several';
  }
  return head !== undefined && isPlural(head) ? 'several' : 1;
}

/** Plurals that the lemmatiser leaves as they are. */
const IRREGULAR = new Map([
  ['people', 'person'],
  ['men', 'man'],
  ['women', 'woman'],
  ['children', 'child'],
  ['feet', 'foot'],
  ['teeth', 'tooth'],
  ['geese', 'goose'],
  ['mice', 'mouse'],
]);
/** Names of one thing that end like plurals. */
const SINGULAR_IN_S = /(?:ss|us|is|ous|ics)$/;
const PAIRS = new Set(
  'glasses sunglasses pants jeans shorts scissors tongs goggles trousers binoculars skis pliers'.split(' '),
);

function isPlural({ lower, lemma }: Word): boolean {
  if (IRREGULAR.has(lower)) return true;
  return lower.endsWith('s') && !SINGULAR_IN_S.test(lower) && !PAIRS.has(lower) && lemma !== lower;
}

function singularOf(word: Word): string {
  if (!isPlural(word)) return word.lower;
  return IRREGULAR.get(word.lower) ?? word.lemma.toLowerCase();
}

/** The words with the spaces they had. */
function join(words: readonly Word[]): string {
  return words.map(({ text, start }, at) => (at > 0 && start > words[at - 1].end ? ` ${text}` : text)).join('');
}
