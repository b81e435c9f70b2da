/**
 * The words that are not text: index tokens and grounding tags, in the paper's spelling and in the released models'.
 *
 * Paper section 3.2 (`<g> <o>`); IDEA-Research/RexSeek `constants.py` (`<ground> <objects>`). One hundred index tokens
 * in both.
 */

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
