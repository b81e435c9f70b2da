/**
 * Noun phrases by a rule over parts of speech; no parser is needed for captions.
 *
 * The rule: (determiner | number | possessive)? (adverb? adjective | participle before a noun | "," or "and" between
 * adjectives)* (noun | name | 's | hyphen)+. Agrees with spaCy's `noun_chunks` by a span F1 of .9 on COCO captions
 * (docs/rexverse.md; tools/reference/rexverse/noun_chunks.py makes the comparison).
 */

import { correctTags } from './correct-tags.ts';
import { tagWords, type Word } from './tag-words.ts';

export interface NounPhrase {
  /** Characters of the text, end excluded. */
  readonly start: number;
  readonly end: number;
  readonly words: readonly Word[];
}

const NOUNS = new Set(['NOUN', 'PROPN']);
const HYPHENS = new Set(['-', '–', '‑']);
/** Words that open a phrase whatever they are tagged as. */
const OPENERS = new Set([
  'a',
  'an',
  'the',
  'this',
  'that',
  'these',
  'those',
  'some',
  'any',
  'each',
  'every',
  'another',
  'both',
  'all',
  'no',
]);
const POSSESSIVES = new Set(['his', 'her', 'its', 'their', 'my', 'our', 'your']);
/** All noun phrases of a text, in order, none inside another. Pronouns are left out: they name nothing. */
export function nounPhrases(text: string): NounPhrase[] {
  return tagWords(text).flatMap((words) => phrasesOfSentence(correctTags(words)));
}

function phrasesOfSentence(words: readonly Word[]): NounPhrase[] {
  const phrases: NounPhrase[] = [];
  for (let at = 0; at < words.length; ) {
    const end = phraseEnd(words, at);
    if (end === undefined) {
      at++;
      continue;
    }
    const inside = words.slice(at, end);
    phrases.push({ start: inside[0].start, end: inside[inside.length - 1].end, words: inside });
    at = end;
  }
  return phrases;
}

/** Where the phrase that begins at a word ends; undefined when none begins there. */
function phraseEnd(words: readonly Word[], start: number): number | undefined {
  let at = start;
  while (at < words.length && isOpener(words[at])) at++;
  at = afterModifiers(words, at);
  const nouns = at;
  while (at < words.length && isNounLike(words, at, nouns)) at++;
  while (at > nouns && (HYPHENS.has(words[at - 1].text) || words[at - 1].lower === "'s")) at--;
  if (at === nouns) return undefined;
  return at;
}

function isOpener({ lower, tag }: Word): boolean {
  return tag === 'DET' || tag === 'NUM' || OPENERS.has(lower) || POSSESSIVES.has(lower);
}

function afterModifiers(words: readonly Word[], start: number): number {
  let at = start;
  for (;;) {
    const next = afterModifier(words, at, at === start);
    if (next === at) return at;
    at = next;
  }
}

/** The place after one modifier, if one begins at `at` and a noun follows in the end. */
function afterModifier(words: readonly Word[], at: number, isFirst: boolean): number {
  const [before, word, next] = [words[at - 1], words[at], words[at + 1]];
  if (word === undefined || next === undefined || !leadsToNoun(words, at + 1)) return at;
  if (word.tag === 'ADJ' || word.tag === 'NUM') return at + 1;
  const isInside = before !== undefined && (!isFirst || isOpener(before));
  if (word.tag === 'ADV' && (isInside || next.tag === 'ADJ' || isParticiple(next))) return at + 1;
  // "a man making pizzas": behind a noun or a verb a participle is a verb.
  const isAfterVerb =
    isFirst && before !== undefined && [...NOUNS, 'AUX', 'VERB', 'PRON', 'CCONJ'].includes(before.tag);
  if (isParticiple(word)) return isAfterVerb ? at : at + 1;
  const isAfterModifier = !isFirst && before !== undefined && (before.tag === 'ADJ' || isParticiple(before));
  return isAfterModifier && isBetween(words, at) ? at + 1 : at;
}

/** A comma, an "and" or a hyphen between modifiers. */
function isBetween(words: readonly Word[], at: number): boolean {
  const [word, next] = [words[at], words[at + 1]];
  const isModifier = next !== undefined && (next.tag === 'ADJ' || isParticiple(next));
  if (HYPHENS.has(word.text)) return isModifier || (next !== undefined && NOUNS.has(next.tag));
  return isModifier && (word.text === ',' || word.lower === 'and' || word.lower === '&');
}

function isParticiple({ tag, lower }: Word): boolean {
  return tag === 'VERB' && /(?:ed|en|ing)$/.test(lower);
}

/** Whether only modifiers lie between here and a noun. */
function leadsToNoun(words: readonly Word[], start: number): boolean {
  for (let at = start; at < words.length; at++) {
    const { tag } = words[at];
    if (NOUNS.has(tag)) return true;
    const isModifier = tag === 'ADJ' || tag === 'NUM' || isParticiple(words[at]);
    if (!isModifier && tag !== 'ADV' && !isBetween(words, at)) return false;
  }
  return false;
}

function isNounLike(words: readonly Word[], at: number, nouns: number): boolean {
  const { tag, text, lower } = words[at];
  if (NOUNS.has(tag)) return true;
  if (at === nouns) return false;
  const isFollowed = at + 1 < words.length && NOUNS.has(words[at + 1].tag);
  return isFollowed && (lower === "'s" || lower === "'" || HYPHENS.has(text));
}
