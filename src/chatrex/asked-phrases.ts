/**
 * Detection in the caller's phrases: which things a list of phrases names, and which of them each phrase of an answer
 * means. A model answers in its own words ("kite" for "the red kite"), and a caller has to find each box under what was
 * asked.
 */

import { ChatRexError } from '../errors.ts';

/** A comma separates things, and not parts of a description, where all that it separates is this short. */
const longestListedWords = 2;

/**
 * The things that phrases name, in order, each once. A phrase that is a list is taken apart: at semicolons, at full
 * stops after a word (of three letters, unlike "no.") and before a space or the end, and at commas if every part is of
 * one or two words.
 * @throws ChatRexError 'invalid-argument' for what is no list of phrases, and for empty ones
 * @example askedPhrases(['cat. butterfly', 'the man, left of the dog']);
 *   // ['cat', 'butterfly', 'the man, left of the dog']
 */
export function askedPhrases(phrases: readonly string[]): string[] {
  if (!Array.isArray(phrases) || phrases.length === 0 || !phrases.every((phrase) => typeof phrase === 'string')) {
    const came =
      typeof phrases === 'string' ? `"${phrases}"` : Array.isArray(phrases) ? 'other values' : typeof phrases;
    throw new ChatRexError(
      'invalid-argument',
      `detect: expected a list of phrases such as ['cat', 'red car'], came ${came}`,
    );
  }
  const asked = phrases.flatMap((phrase) => {
    const parts = phrase.split(/;|(?<=\p{L}{3}\s?)\.(?=\s|$)/u).flatMap(splitAtCommas);
    const named = parts.map((part) => part.trim()).filter((part) => /[^\s.,]/.test(part));
    if (named.length > 0) return named;
    throw new ChatRexError(
      'invalid-argument',
      'detect: expected something to ask about, came an empty phrase; name it',
    );
  });
  const seen = new Set<string>();
  return asked.filter((phrase) => seen.size < seen.add(phrase.toLowerCase()).size);
}

function splitAtCommas(phrase: string): string[] {
  const parts = phrase.split(',');
  const isList = parts.every((part) => wordsOf(part).length <= longestListedWords);
  return isList ? parts : [phrase];
}

/**
 * For each answered phrase the index of the asked one that it means, -1 where that cannot be told.
 *
 * Answers come in the order of the question: of all ways to pair them in order, the one with the most words in common
 * counts. What is left over is paired by its words alone, then by its place between pairs.
 */
export function matchPhrases(asked: readonly string[], answered: readonly string[]): number[] {
  if (asked.length === 1) return answered.map(() => 0);
  const [left, right] = [asked, answered].map((phrases) =>
    phrases.map((phrase) => new Set(wordsOf(phrase).map(stemOf))),
  );
  const likeness = left.map((words) => right.map((others) => likenessOf(words, others)));
  const pairs = pairedInOrder(likeness, answered.length);
  const result = answered.map((_, j) => pairs.get(j) ?? bestOf(likeness.map((row) => row[j])));
  return fillGaps(result, asked.length);
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const stemOf = (word: string): string =>
  word
    .replace(/ies$/, 'y')
    .replace(/(s|x|z|ch|sh)es$/, '$1')
    .replace(/([^s])s$/, '$1');

const fillers = new Set(['a', 'an', 'the', 'all', 'every', 'any', 'of', 'in', 'on']);

/** Shared words in all words, 0 to 1; words without meaning count little. */
function likenessOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const weight = (word: string) => (fillers.has(word) ? 0.01 : 1);
  const total = (words: Iterable<string>) => [...words].reduce((sum, word) => sum + weight(word), 0);
  const shared = total([...a].filter((word) => b.has(word) && !fillers.has(word)));
  return shared === 0 ? 0 : shared / total(new Set([...a, ...b]));
}

/** Answered index -> asked index, of the pairing in order with the largest sum of likeness. */
function pairedInOrder(likeness: readonly (readonly number[])[], answeredCount: number): Map<number, number> {
  const best = Array.from({ length: likeness.length + 1 }, () => new Float64Array(answeredCount + 1));
  for (let i = 1; i <= likeness.length; i++) {
    for (let j = 1; j <= answeredCount; j++) {
      best[i][j] = Math.max(best[i - 1][j], best[i][j - 1], best[i - 1][j - 1] + likeness[i - 1][j - 1]);
    }
  }
  const pairs = new Map<number, number>();
  for (let [i, j] = [likeness.length, answeredCount]; i > 0 && j > 0; ) {
    if (best[i][j] === best[i - 1][j]) i--;
    else if (best[i][j] === best[i][j - 1]) j--;
    else pairs.set(--j, --i);
  }
  return pairs;
}

function bestOf(likeness: readonly number[]): number {
  const most = Math.max(0, ...likeness);
  return most === 0 ? -1 : likeness.indexOf(most);
}

/** As many answered as asked phrases between two pairs, or at an end, belong together in their order. */
function fillGaps(matches: readonly number[], askedCount: number): number[] {
  const filled = [...matches];
  let start = 0;
  while (start < filled.length) {
    if (filled[start] >= 0) {
      start++;
      continue;
    }
    let end = start;
    while (end < filled.length && filled[end] < 0) end++;
    const first = start === 0 ? 0 : filled[start - 1] + 1;
    const last = end === filled.length ? askedCount : filled[end];
    if (last - first === end - start) for (let at = start; at < end; at++) filled[at] = first + at - start;
    start = end;
  }
  return filled;
}
