/**
 * Trains a small byte-level BPE and writes it as a standard `tokenizer.json`: the vocabulary of the nano model.
 *
 * Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", over bytes (GPT-2), so that any text
 * comes back unchanged. Merges and ids are those of Hugging Face's trainer on the same text: the most frequent pair is
 * merged, of equals the one with the smaller ids. Deterministic.
 */

import { ChatRexError } from '../../errors.ts';
import { byteLevelAlphabet } from './token-bytes.ts';
import { byteLevelTokenizerJson, specialToken, type TokenizerJson } from './tokenizer-json.ts';

/** A word with its space before it, a single digit, a run of signs, or a run of spaces. */
const wordPattern = ' ?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+';

interface Word {
  ids: number[];
  count: number;
}

export interface TokenizerTraining {
  /** Ids in all: 256 bytes, the merges, then the special tokens. Fewer when nothing is left to merge. */
  readonly vocabSize: number;
  /** Names that get the last ids, in order. */
  readonly specialTokens: readonly string[];
  /**
   * A tokenizer that this function made, whose pieces keep their ids: training continues behind its merges, so that a
   * model that knows them learns the words of other text in addition.
   */
  readonly base?: TokenizerJson;
}

/** @param sentences the text to fit */
export function trainTokenizer(sentences: Iterable<string>, options: TokenizerTraining): TokenizerJson {
  const merges = options.base ? ownMerges(options.base) : [];
  const pieces = [...byteLevelAlphabet].sort();
  const idOf = new Map(pieces.map((piece, id) => [piece, id]));
  const words = countWords(sentences, idOf);
  for (const [left, right] of merges) {
    const [a, b] = [idOf.get(left)!, idOf.get(right)!];
    for (const word of words) word.ids = mergePair(word.ids, a, b, pieces.length);
    idOf.set(left + right, pieces.length);
    pieces.push(left + right);
  }
  while (pieces.length + options.specialTokens.length < options.vocabSize) {
    const pair = mostFrequentPair(words, pieces.length);
    if (!pair) break;
    const [left, right] = pair;
    merges.push([pieces[left], pieces[right]]);
    for (const word of words) word.ids = mergePair(word.ids, left, right, pieces.length);
    pieces.push(pieces[left] + pieces[right]);
  }
  return byteLevelTokenizerJson({
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    merges,
    pattern: wordPattern,
    normalizer: null,
    special: options.specialTokens.map((name, i) => specialToken(pieces.length + i, name)),
  });
}

const mergesOf = ({ model }: TokenizerJson) =>
  model.merges.map((merge) => (typeof merge === 'string' ? merge.split(' ') : merge) as [string, string]);

/** Whether training can continue a tokenizer: its ids are bytes, then merges in their order, as training makes them. */
export function canContinue(json: TokenizerJson): boolean {
  const { model, pre_tokenizer: cut } = json;
  const isOwn = JSON.stringify(cut).includes(JSON.stringify(wordPattern)) && !model.byte_fallback;
  return (
    isOwn && mergesOf(json).every(([left, right], i) => model.vocab[left + right] === byteLevelAlphabet.length + i)
  );
}

/** @throws ChatRexError 'unsupported' for a tokenizer that training cannot continue */
function ownMerges(json: TokenizerJson): [string, string][] {
  if (canContinue(json)) return mergesOf(json);
  throw new ChatRexError(
    'unsupported',
    'expected a tokenizer that training made, whose words can be continued; came another, which must be used as it is',
  );
}

function countWords(sentences: Iterable<string>, idOf: ReadonlyMap<string, number>): Word[] {
  const counts = new Map<string, number>();
  const pattern = new RegExp(wordPattern, 'gu');
  for (const sentence of sentences) {
    for (const [word] of sentence.matchAll(pattern)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const utf8 = new TextEncoder();
  return [...counts].map(([word, count]) => ({
    ids: Array.from(utf8.encode(word), (byte) => idOf.get(byteLevelAlphabet[byte])!),
    count,
  }));
}

/** The pair seen most often side by side, of equals the smallest; undefined when every word is one piece. */
function mostFrequentPair(words: readonly Word[], size: number): [number, number] | undefined {
  const counts = new Map<number, number>();
  for (const { ids, count } of words) {
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1] * size + ids[i];
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: number | undefined;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && pair < best!)) [best, bestCount] = [pair, count];
  }
  return best === undefined ? undefined : [Math.floor(best / size), best % size];
}

function mergePair(ids: number[], left: number, right: number, merged: number): number[] {
  if (!ids.includes(left)) return ids;
  const result: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      result.push(merged);
      i++;
    } else result.push(ids[i]);
  }
  return result;
}
