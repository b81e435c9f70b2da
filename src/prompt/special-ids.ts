/** Ids of the words that are not text, in one tokenizer, and of text that people write. */

import { ChatRexError } from '../errors.ts';
import { type Dialect, type GroundingIds, maxObjects, objectToken } from '../grounding/dialect.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { Tokenizer } from './tokenizer/tokenizer.ts';

/**
 * Looks the dialect's tokens up.
 * @throws ChatRexError 'not-found' naming the first token that the vocabulary lacks.
 */
export function groundingIds(tokenizer: Tokenizer, dialect: Dialect): GroundingIds {
  const find = (name: string) => requireSpecialId(tokenizer, name);
  return {
    phraseStart: find(dialect.phraseStart),
    phraseEnd: find(dialect.phraseEnd),
    objectsStart: find(dialect.objectsStart),
    objectsEnd: find(dialect.objectsEnd),
    objects: Array.from({ length: maxObjects }, (_, index) => find(objectToken(index))),
  };
}

/** @throws ChatRexError 'not-found' */
export function requireSpecialId(tokenizer: Tokenizer, name: string): number {
  const id = tokenizer.specialId(name);
  if (id !== undefined) return id;
  throw new ChatRexError(
    'not-found',
    `tokenizer: expected the special token ${name}, found none; add it or use its model`,
  );
}

/** Text, or the index of a box. */
type Atom = string | number;

/**
 * Ids of what a person wrote. Everything is text but `<objN>`, which becomes the index token of box N.
 * `isContinuation` as in `Tokenizer.encode`.
 * @throws ChatRexError 'invalid-argument' when the image has no box N.
 */
export function encodeUserText(
  tokenizer: Tokenizer,
  text: string,
  boxCount: number,
  options: { isContinuation?: boolean } = {},
): number[] {
  return encodeAtoms(tokenizer, atomsOf(text), boxCount, options);
}

/** A person's text cut at `<objN>`; `<obj03>` is no token's name and stays text. */
export const atomsOf = (text: string): Atom[] =>
  // Odd positions hold the digits of `<objN>`.
  text.split(/<obj(0|[1-9]\d*)>/).map((part, i) => (i % 2 === 0 ? part : Number(part)));

/** A question of a data set: its text is text whatever it contains, its phrases mean boxes. */
export const groundedAtoms = (question: GroundedText): Atom[] =>
  question.flatMap((span) => (span.kind === 'text' ? [span.text] : [span.text, ...span.objects]));

/** Neighbouring texts are one text, as the tokenizer must see them. */
export function encodeAtoms(
  tokenizer: Tokenizer,
  atoms: readonly Atom[],
  boxCount: number,
  { isContinuation }: { isContinuation?: boolean } = {},
): number[] {
  const ids: number[] = [];
  let [text, isInside] = ['', isContinuation];
  const flush = () => {
    ids.push(...tokenizer.encode(text, { isContinuation: isInside }));
    text = '';
  };
  for (const atom of atoms) {
    if (typeof atom === 'string') {
      text += atom;
      continue;
    }
    flush();
    if (atom >= Math.min(boxCount, maxObjects)) throw noSuchBox(atom, boxCount);
    ids.push(requireSpecialId(tokenizer, objectToken(atom)));
    isInside = true;
  }
  flush();
  return ids;
}

function noSuchBox(index: number, boxCount: number): ChatRexError {
  const boxes = boxCount === 0 ? 'no boxes' : boxCount === 1 ? 'only <obj0>' : `<obj0> to <obj${boxCount - 1}>`;
  return new ChatRexError(
    'invalid-argument',
    `question: <obj${index}> is no box of this image, which has ${boxes}; name one it has`,
  );
}
