/**
 * From an image's slots and the turns of a conversation to what the language model reads.
 *
 * Paper section 3.2: image tokens, then every object as its index token followed by its feature, then the question. The
 * strings and where they are cut for the tokenizer agree with IDEA-Research/RexSeek `inference_utils.py`, whose prompt
 * is
 *
 *     <image>\n<obj0>{feature}<obj1>{feature}...\nquestion
 *
 * inside the chat format of its language model. All before the question is the *prefix*: the same for every question on
 * the image, so its key-value cache is kept. Text is cut for the tokenizer at image and feature slots, as there.
 */

import { ChatRexError } from '../errors.ts';
import { type AnswerVocabulary, type Dialect, type GroundingIds, maxObjects, noObjects } from '../grounding/dialect.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { atomsOf, encodeAtoms, groundedAtoms, groundingIds, requireSpecialId } from './special-ids.ts';
import type { TokenDecoder, Tokenizer } from './tokenizer/tokenizer.ts';

/**
 * A part of the prefix; `image` stands for all image tokens, `object` for two positions: token `id`, then the feature.
 */
export type PromptSegment =
  | { kind: 'tokens'; ids: number[] }
  | { kind: 'image' }
  | { kind: 'object'; index: number; id: number };

/** Id of each index token of a prefix -> the object that it stands for. */
export const objectsByIndexToken = (prefix: readonly PromptSegment[]): ReadonlyMap<number, number> =>
  new Map(prefix.flatMap((segment) => (segment.kind === 'object' ? [[segment.id, segment.index] as const] : [])));

/** A piece of a chat format: text, or a special token by name. */
type Piece = string | { special: string };

/** A question as a person writes it, with `<objN>` for box N, or as a data set has it. */
export type Question = string | GroundedText;

interface ChatFormat {
  /** A token before all text, if the model was trained with one. */
  begin?: string;
  system: (text: string) => Piece[];
  beforeQuestion: Piece[];
  afterQuestion: Piece[];
  /** The token that ends an answer. */
  answerEnd: string;
  /** Between the end of an answer and the next question. */
  betweenTurns: Piece[];
  /** Tokens that end an answer besides `answerEnd`, where the vocabulary has them. */
  otherEnds: string[];
  /**
   * Whether answers and their phrases are spelled with a space before them: a word is the same token there as in a
   * question.
   */
  isSpaced: boolean;
}

const special = (name: string): Piece => ({ special: name });

/**
 * Chat formats: `vicuna` (v1.1, FastChat; ChatRex-7B), `chatml` (Qwen2.5; RexSeek-3B) and `nano` (ours: one special
 * token per role, no words).
 */
const formats = {
  vicuna: {
    begin: '<s>',
    system: (text) => [`${text} `],
    beforeQuestion: ['USER: '],
    afterQuestion: [' ASSISTANT:'],
    answerEnd: '</s>',
    betweenTurns: [],
    otherEnds: [],
    isSpaced: false,
  },
  chatml: {
    system: (text) => [special('<|im_start|>'), `system\n${text}`, special('<|im_end|>'), '\n'],
    beforeQuestion: [special('<|im_start|>'), 'user\n'],
    afterQuestion: [special('<|im_end|>'), '\n', special('<|im_start|>'), 'assistant\n'],
    answerEnd: '<|im_end|>',
    betweenTurns: ['\n'],
    otherEnds: ['<|endoftext|>'],
    isSpaced: false,
  },
  nano: {
    system: (text) => [text],
    beforeQuestion: [special('<user>')],
    afterQuestion: [special('<assistant>')],
    answerEnd: '<end>',
    betweenTurns: [],
    otherEnds: [],
    isSpaced: true,
  },
} satisfies Record<string, ChatFormat>;

export type ChatFormatName = keyof typeof formats;

/** The special tokens that the nano format adds to a vocabulary. */
export const nanoChatTokens = ['<user>', '<assistant>', '<end>'] as const;

/** Vicuna's own system text, used by the paper's preset; the released models were given none. */
export const vicunaSystem =
  'A chat between a curious user and an artificial intelligence assistant. ' +
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";

/** Turns a conversation about one image into ids. `boxCount` is how many boxes the image has. */
export interface Chat {
  /** How its answers are spelled; `new AnswerConstraint(chat.vocabulary, ...)` keeps to it. */
  readonly vocabulary: AnswerVocabulary;
  /** Everything before the first question. */
  prefix(boxCount: number): PromptSegment[];
  /** The first question on the image, up to where the answer begins. */
  question(question: Question, boxCount: number): number[];
  /** A further question: follows an answer together with its end token. */
  nextQuestion(question: Question, boxCount: number): number[];
  /** An answer with its end token, as the model is to write it. */
  answer(text: GroundedText): number[];
  /** Text of an answer from its ids, one by one. */
  createAnswerDecoder(): TokenDecoder;
  /** Text of any ids as they are, special tokens by name: for those who want to see a prompt. */
  spell(ids: readonly number[]): string;
}

/**
 * @throws ChatRexError 'not-found' when the vocabulary lacks a token of the format or the dialect. The methods throw
 * 'invalid-argument' when a text names a box the image does not have, 'limit-exceeded' above 100 boxes.
 */
export function createChat(
  tokenizer: Tokenizer,
  options: { format: ChatFormatName; dialect: Dialect; system?: string },
): Chat {
  const format: ChatFormat = formats[options.format];
  const ids = groundingIds(tokenizer, options.dialect);
  const endId = requireSpecialId(tokenizer, format.answerEnd);
  const system = options.system ? format.system(options.system) : [];
  const head = [
    ...(format.begin ? [requireSpecialId(tokenizer, format.begin)] : []),
    ...encodePieces(tokenizer, [...system, ...format.beforeQuestion], 0),
  ];
  return {
    vocabulary: {
      ids,
      endIds: [endId, ...format.otherEnds.flatMap((name) => tokenizer.specialId(name) ?? [])],
      specialIds: tokenizer.specialIds(),
      vocabSize: tokenizer.vocabSize,
      noneIds: tokenizer.encode(noObjects, { isContinuation: true }),
    },
    prefix(boxCount) {
      if (boxCount > maxObjects) {
        throw new ChatRexError(
          'limit-exceeded',
          `boxes: expected at most ${maxObjects}, came ${boxCount}; keep the ${maxObjects} best`,
        );
      }
      const segments: PromptSegment[] = [{ kind: 'tokens', ids: head }, { kind: 'image' }];
      if (boxCount > 0) segments.push({ kind: 'tokens', ids: tokenizer.encode('\n') });
      for (let index = 0; index < boxCount; index++) segments.push({ kind: 'object', index, id: ids.objects[index] });
      return segments;
    },
    question(question, boxCount) {
      // Without boxes the line breaks before and after the empty list meet in one stretch of text.
      const before = boxCount > 0 ? '\n' : '\n\n';
      return encodePieces(tokenizer, [before, question, ...format.afterQuestion], boxCount);
    },
    nextQuestion(question, boxCount) {
      const pieces = [...format.betweenTurns, ...format.beforeQuestion, question, ...format.afterQuestion];
      return encodePieces(tokenizer, pieces, boxCount);
    },
    spell: (ids) => tokenizer.decode(ids),
    answer: (text) => [...encodeAnswer(tokenizer, text, ids, format.isSpaced), endId],
    createAnswerDecoder() {
      const decoder = tokenizer.createDecoder();
      return format.isSpaced ? withoutSpaces(decoder, ids.phraseStart) : decoder;
    },
  };
}

/** Ids of one stretch. */
function encodePieces(tokenizer: Tokenizer, pieces: readonly (Piece | Question)[], boxCount: number): number[] {
  const ids: number[] = [];
  let atoms: (string | number)[] = [];
  const flush = () => {
    ids.push(...encodeAtoms(tokenizer, atoms, boxCount, { isContinuation: ids.length > 0 }));
    atoms = [];
  };
  for (const piece of pieces) {
    if (typeof piece === 'string') atoms.push(...atomsOf(piece));
    else if ('special' in piece) {
      flush();
      ids.push(requireSpecialId(tokenizer, piece.special));
    } else atoms.push(...groundedAtoms(piece));
  }
  flush();
  return ids;
}

/** Leaves out the space before an answer and before its phrases. */
function withoutSpaces(decoder: TokenDecoder, phraseStart: number): TokenDecoder {
  let isStart = true;
  return {
    push(id) {
      const text = decoder.push(id);
      const shown = isStart && text.startsWith(' ') ? text.slice(1) : text;
      isStart = id === phraseStart || (isStart && text === '');
      return shown;
    },
    end: () => decoder.end(),
  };
}

function encodeAnswer(tokenizer: Tokenizer, answer: GroundedText, special: GroundingIds, isSpaced: boolean): number[] {
  const ids: number[] = [];
  const space = isSpaced ? ' ' : '';
  const pushText = (text: string) => ids.push(...tokenizer.encode(text, { isContinuation: ids.length > 0 }));
  for (const span of answer) {
    if (span.kind === 'text') {
      pushText(ids.length === 0 ? space + span.text : span.text);
      continue;
    }
    ids.push(special.phraseStart);
    pushText(space + span.text);
    ids.push(special.phraseEnd, special.objectsStart);
    if (span.objects.length === 0) pushText(noObjects);
    for (const index of span.objects) {
      if (special.objects[index] === undefined) {
        throw new ChatRexError(
          'invalid-argument',
          `answer: object ${index} has no index token (0 to ${maxObjects - 1}); map it into the object list first`,
        );
      }
      ids.push(special.objects[index]);
    }
    ids.push(special.objectsEnd);
  }
  return ids;
}
