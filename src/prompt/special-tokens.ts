/**
 * The words that are not text: index tokens and grounding tags, in the paper's spelling and in the released models'.
 *
 * Paper section 3.2 (`<g> <o>`); IDEA-Research/RexSeek `constants.py` (`<ground> <objects>`). One hundred index tokens in both.
 */

import { ChatRexError } from '../errors.ts';
import type { Tokenizer } from './tokenizer/tokenizer.ts';

/** How one family of models spells the four tags around a phrase and its boxes. */
export interface Dialect {
  readonly phraseStart: string;
  readonly phraseEnd: string;
  readonly objectsStart: string;
  readonly objectsEnd: string;
}

export type DialectName = 'paper' | 'release';

export const dialects: Record<DialectName, Dialect> = {
  paper: { phraseStart: '<g>', phraseEnd: '</g>', objectsStart: '<o>', objectsEnd: '</o>' },
  release: {
    phraseStart: '<ground>',
    phraseEnd: '</ground>',
    objectsStart: '<objects>',
    objectsEnd: '</objects>',
  },
};

/** Boxes one image can have: there are index tokens `<obj0>` to `<obj99>`. */
export const maxObjects = 100;

/** What stands in an object list when nothing in the image fits the phrase. */
export const noObjects = 'None';

export const objectToken = (index: number): string => `<obj${index}>`;

/** All names a model of this dialect adds to its vocabulary, in the released order: index tokens, then tags. */
export function groundingTokens(dialect: Dialect): string[] {
  const { phraseStart, phraseEnd, objectsStart, objectsEnd } = dialect;
  const indices = Array.from({ length: maxObjects }, (_, index) => objectToken(index));
  return [...indices, phraseStart, phraseEnd, objectsStart, objectsEnd];
}

/** The ids behind a dialect in one vocabulary. */
export interface GroundingIds {
  phraseStart: number;
  phraseEnd: number;
  objectsStart: number;
  objectsEnd: number;
  /** Position = index of the object. */
  objects: number[];
}

/** What generation must know of a vocabulary to write an answer in it. */
export interface AnswerVocabulary {
  ids: GroundingIds;
  /** Any of them ends an answer. */
  endIds: readonly number[];
  /** All special tokens, `ids` and `endIds` among them; the others have no place in an answer. */
  specialIds: readonly number[];
  vocabSize: number;
  /** The text "None" of an empty object list. */
  noneIds: readonly number[];
}

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
  const ids: number[] = [];
  let { isContinuation } = options;
  // Odd positions hold the digits of `<objN>`; `<obj03>` is no token's name and stays text.
  text.split(/<obj(0|[1-9]\d*)>/).forEach((part, i) => {
    if (i % 2 === 0) {
      ids.push(...tokenizer.encode(part, { isContinuation }));
      return;
    }
    const index = Number(part);
    if (index >= Math.min(boxCount, maxObjects)) throw noSuchBox(part, boxCount);
    ids.push(requireSpecialId(tokenizer, objectToken(index)));
    isContinuation = true;
  });
  return ids;
}

function noSuchBox(index: string, boxCount: number): ChatRexError {
  const boxes = boxCount === 0 ? 'no boxes' : boxCount === 1 ? 'only <obj0>' : `<obj0> to <obj${boxCount - 1}>`;
  return new ChatRexError(
    'invalid-argument',
    `question: <obj${index}> is no box of this image, which has ${boxes}; name one it has`,
  );
}
