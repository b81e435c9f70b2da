/**
 * Corrections of tags that the tagger often gets wrong in captions, which have no main verb and end in nouns. Each rule
 * names the words that it was written for.
 */

import type { Word } from './tag-words.ts';

const COLORS = new Set(
  'black blue brown gold golden gray green grey orange pink purple red silver tan teal violet white yellow beige cream'.split(
    ' ',
  ),
);
/** Nouns that end like participles. */
const NOUNS_IN_ING = new Set(
  'awning building carving ceiling clothing covering crossing drawing dressing earring evening frosting icing king landing lightning lining morning netting opening painting paving pudding railing ring seating shaving siding sling spring string stuffing swing thing topping wedding wing writing lettering crossing parking stocking'.split(
    ' ',
  ),
);
const SINGULAR_OPENERS = new Set(['a', 'an', 'this', 'that', 'each', 'every', 'one', 'another']);

const POSSESSIVES = new Set(['his', 'her', 'its', 'their', 'my', 'our', 'your']);

const isNoun = (word: Word | undefined) => word?.tag === 'NOUN' || word?.tag === 'PROPN';
const isBaseForm = ({ lower, lemma }: Word) => lower === lemma;
const endsPhrase = (word: Word | undefined) =>
  word === undefined || ['ADP', 'PUNCT', 'CCONJ', 'AUX', 'SCONJ'].includes(word.tag);

/** The same words with better tags. */
export function correctTags(words: readonly Word[]): Word[] {
  const corrected = [...words];
  for (let at = 0; at < corrected.length; at++) {
    const tag = corrections.map((rule) => rule(corrected, at)).find((one) => one !== undefined);
    if (tag !== undefined) corrected[at] = { ...corrected[at], tag };
  }
  return corrected;
}

type Rule = (words: readonly Word[], at: number) => string | undefined;

const corrections: readonly Rule[] = [
  // "on top of a lake"
  (words, at) =>
    words[at].lower === 'top' && words[at - 1]?.tag === 'ADP' && words[at + 1]?.lower === 'of' ? 'NOUN' : undefined,
  // "an orange and white cat"
  (words, at) => {
    const next = words[at + 1];
    const isFollowed = isNoun(next) || ((next?.lower === 'and' || next?.text === ',') && isColor(words[at + 2]));
    return isColor(words[at]) && isFollowed ? 'ADJ' : undefined;
  },
  // "a close-up picture"
  (words, at) => {
    const isJoined = isHyphenBetween(words, at + 1) || isHyphenBetween(words, at - 1);
    return isJoined && !isNoun(words[at]) && words[at].tag !== 'NUM' && /^\p{L}/u.test(words[at].text)
      ? 'ADJ'
      : undefined;
  },
  // "a dirty looking toilet"
  (words, at) => (words[at].lower === 'looking' && words[at - 1]?.tag === 'ADJ' ? 'ADJ' : undefined),
  // "a street light": an adjective cannot end a phrase that a noun began
  (words, at) =>
    ['light', 'top', 'front'].includes(words[at].lower) && isNoun(words[at - 1]) && endsPhrase(words[at + 1])
      ? 'NOUN'
      : undefined,
  // "a bathroom mirror": a verb after a singular noun would end in s
  (words, at) => {
    const [before, word, next] = [words[at - 1], words[at], words[at + 1]];
    const isAfterSingular = isNoun(before) && isBaseForm(before) && !before.lower.endsWith('s');
    return word.tag === 'VERB' && isBaseForm(word) && isAfterSingular && (endsPhrase(next) || isNoun(next))
      ? 'NOUN'
      : undefined;
  },
  // "there are game controllers": between such a word and a noun no verb has its base form
  (words, at) => {
    const before = words[at - 1]?.tag;
    const isInside = before === 'AUX' || before === 'ADP' || before === 'DET' || before === 'ADJ';
    return words[at].tag === 'VERB' && isBaseForm(words[at]) && isInside && isNoun(words[at + 1]) ? 'NOUN' : undefined;
  },
  // "there are dice and cards"
  (words, at) => {
    const isSaidToBe = words[at - 2]?.lower === 'there' && words[at - 1]?.tag === 'AUX';
    return words[at].tag === 'VERB' && isBaseForm(words[at]) && isSaidToBe && endsPhrase(words[at + 1])
      ? 'NOUN'
      : undefined;
  },
  // "a microwave and sink."
  (words, at) => {
    const [listed, comma, word] = [words[at - 2], words[at - 1], words[at]];
    const isListed = isNoun(listed) && (comma?.lower === 'and' || comma?.text === ',' || comma?.lower === 'or');
    const isVerbal = /(?:ing|ed)$/.test(word.lower);
    return word.tag === 'VERB' && isListed && !isVerbal && endsPhrase(words[at + 1]) ? 'NOUN' : undefined;
  },
  // "a tog is leashed", "in the dark", "in a quiet square": what follows a determiner is a phrase
  (words, at) => {
    const isOther = ['VERB', 'ADJ', 'ADV'].includes(words[at].tag);
    return isOther && endsPhrase(words[at + 1]) && isAfterOpener(words, at) ? nominal(words, at) : undefined;
  },
  // "a group of people standing"
  (words, at) => {
    const { tag, lower } = words[at];
    if (tag !== 'NOUN' || !lower.endsWith('ing') || NOUNS_IN_ING.has(lower)) return undefined;
    const before = words[at - 1]?.tag;
    const isModified = before === 'DET' || before === 'ADJ' || before === 'NUM' || before === 'PUNCT';
    return isModified || isNoun(words[at + 1]) ? undefined : 'VERB';
  },
  // "a man drives down a road", "the kitchen features an island"
  (words, at) => {
    const [before, word, next] = [words[at - 1], words[at], words[at + 1]];
    if (!isNoun(word) || !isNoun(before) || isBaseForm(word) || !/[^s]s$/.test(word.lower) || isNoun(next))
      return undefined;
    return isAfterSingularOpener(words, at) || next?.tag === 'DET' ? 'VERB' : undefined;
  },
];

function isColor(word: Word | undefined): boolean {
  return word !== undefined && COLORS.has(word.lower);
}

/** Whether a hyphen without spaces around it is at `at`. */
function isHyphenBetween(words: readonly Word[], at: number): boolean {
  const [before, hyphen, next] = [words[at - 1], words[at], words[at + 1]];
  return (
    hyphen !== undefined && /^[-–‑]$/.test(hyphen.text) && before?.end === hyphen.start && next?.start === hyphen.end
  );
}

/** Whether a determiner or possessive comes before `at`, with only modifiers between. */
function isAfterOpener(words: readonly Word[], at: number): boolean {
  let before = at - 1;
  while (words[before]?.tag === 'ADJ' || words[before]?.tag === 'ADV') before--;
  const opener = words[before];
  return opener !== undefined && (opener.tag === 'DET' || POSSESSIVES.has(opener.lower));
}

/** "red and blue" after a determiner is no noun: only where the phrase really ends. */
function nominal(words: readonly Word[], at: number): string | undefined {
  const next = words[at + 1];
  if (next?.tag === 'CCONJ' || next?.text === ',' || /^[-–‑]$/.test(next?.text ?? '')) return undefined;
  return 'NOUN';
}

/** Whether the noun phrase before `at` opens with a word that allows no plural. */
function isAfterSingularOpener(words: readonly Word[], at: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    const { tag, lower } = words[before];
    if (SINGULAR_OPENERS.has(lower)) return true;
    if (!isNoun(words[before]) && tag !== 'ADJ') return false;
  }
  return false;
}
