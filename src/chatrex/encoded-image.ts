/** An image that has been looked at: every question about it starts from what was seen. */

import { ChatRexError, wrongArgument } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import { questionFor, type RegionStyle, regionQuestion, regionStyles } from '../prompt/templates.ts';
import { type Answer, type AnswerContext, type AskOptions, writeAnswer } from './answer.ts';
import { askedPhrases, matchPhrases } from './asked-phrases.ts';
import { statedNumber } from './stated-number.ts';

/** A question with its answer; the last turn of a conversation has none yet. */
export interface Turn {
  readonly question: string;
  /** As it came, or grounded text of any origin. */
  readonly answer?: Answer | GroundedText;
}

export interface RegionCaption extends Answer {
  /** Index of the box in the image's list. */
  readonly object: number;
}

/** Rows in the caller's phrases: `labels` are the model's words, which may differ. */
export interface DetectAnswer extends Answer {
  /** What was asked for, in order: phrases that are lists are taken apart, and each thing is asked for once. */
  readonly asked: readonly string[];
  /** Of each row the phrase of `asked` that it answers; undefined where the model's words mean none of them. */
  readonly phrases: readonly (string | undefined)[];
}

export interface CountAnswer extends Answer {
  /** The number that the answer states, or else how many boxes it names. */
  readonly count: number;
}

/** Boxes of an image as its questions and answers name them. */
export interface ImageBoxes {
  /** [K, 4] in pixels of the original image, inside it; box i is `<obji>`. */
  readonly boxesXyxy: Float64Array;
  /** Proposal scores in [0, 1]; 1 for boxes that were given without. */
  readonly scores: readonly number[];
  /** Where each box stood in the list that was given or proposed. */
  readonly sources: readonly number[];
  /** Which of the list reached out of the image, by more than rounding does, and were cut. */
  readonly clipped: readonly number[];
  /** Boxes that were left out because an image can have 100: those of the lowest scores. */
  readonly leftOut: number;
}

/** A piece of what the model reads before it answers. */
export type PromptPart =
  | { readonly kind: 'text'; readonly text: string; readonly ids: readonly number[] }
  /** The image, in so many tokens. */
  | { readonly kind: 'image'; readonly tokens: number }
  /** What box `index` looks like, in one token. It follows the token that names the box. */
  | { readonly kind: 'object'; readonly index: number };

export class EncodedImage {
  readonly size: ImageSize;
  readonly boxes: ImageBoxes;
  readonly #context: AnswerContext;

  /** Made by `ChatRex.encode`. */
  constructor(size: ImageSize, boxes: ImageBoxes, context: AnswerContext) {
    this.size = size;
    this.boxes = boxes;
    this.#context = context;
  }

  /** Memory that it takes, in bytes; conversations about it add to it. */
  get sizeBytes(): number {
    return this.#context.memory.sizeBytes;
  }

  /** Tokens of the image with its objects, which every question follows. */
  get tokens(): number {
    return this.#context.memory.prefixLength;
  }

  /**
   * Asks anything, `<objN>` standing for box N.
   * @throws ChatRexError 'invalid-argument' when the question names a box that the image does not have; 'aborted';
   *   'limit-exceeded' when the model has too few positions for it
   */
  ask(question: string, options: AskOptions = {}): Promise<Answer> {
    return this.chat([{ question }], options);
  }

  /**
   * The answer as it is written; its whole is what the generator returns.
   * @example for await (const event of image.stream('What is this?')) if (event.kind === 'text') print(event.text);
   */
  stream(question: string, options: AskOptions = {}): AsyncGenerator<AnswerEvent, Answer> {
    return this.streamChat([{ question }], options);
  }

  /**
   * Finds all that the phrases mean: categories, descriptions, referring expressions. A phrase may have no box.
   * @param phrases one for each thing; "cat, dog", "cat; dog" and "cat. dog" are two things
   * @example const { phrases, boxesXyxy } = await image.detect(['cat', 'the largest kite']);
   */
  async detect(phrases: readonly string[], options: AskOptions = {}): Promise<DetectAnswer> {
    const asked = askedPhrases(phrases);
    const answer = await this.ask(questionFor('detect', asked), options);
    const answered = answer.spans.filter((span) => span.kind === 'phrase');
    const meant = matchPhrases(
      asked,
      answered.map(({ text }) => text),
    );
    const rows = answered.flatMap(({ objects }, i) => objects.map(() => asked[meant[i]] as string | undefined));
    return { ...answer, asked, phrases: rows };
  }

  /** Describes the whole image and ties what it mentions to boxes. */
  async describe({
    detail = 'brief',
    ...options
  }: AskOptions & { detail?: 'brief' | 'detailed' } = {}): Promise<Answer> {
    if (detail !== 'brief' && detail !== 'detailed') throw wrongArgument('detail', "'brief' or 'detailed'", detail);
    return this.ask(questionFor(`caption-${detail}`), options);
  }

  /** Describes boxes, one by one, by their indices in the image's list. */
  async caption(
    objects: readonly number[],
    { style = 'phrase', ...options }: AskOptions & { style?: RegionStyle } = {},
  ): Promise<RegionCaption[]> {
    requireObjects(objects, this.boxes.scores.length);
    if (!regionStyles.includes(style)) throw wrongArgument('style', `one of ${regionStyles.join(', ')}`, style);
    const captions: RegionCaption[] = [];
    for (const object of objects) {
      captions.push({ object, ...(await this.ask(regionQuestion(style, [object]), options)) });
    }
    return captions;
  }

  /** Counts what a phrase means, and shows it. */
  async count(phrase: string, options: AskOptions = {}): Promise<CountAnswer> {
    if (typeof phrase !== 'string') throw wrongArgument('phrase', 'text', phrase);
    const answer = await this.ask(questionFor('count', [phrase]), options);
    return { ...answer, count: statedNumber(answer.text) ?? new Set(answer.objects).size };
  }

  /** Answers the last of several turns; all before it have their answers. */
  async chat(turns: readonly Turn[], options: AskOptions = {}): Promise<Answer> {
    const events = this.streamChat(turns, options);
    for (;;) {
      const step = await events.next();
      if (step.done) return step.value;
    }
  }

  /**
   * Tokens that the model has left for the answer to the last of several turns; negative where even the question has no
   * room.
   * @throws ChatRexError as `chat` does
   */
  tokensLeft(turns: readonly Turn[]): number {
    return this.#context.memory.room - this.#conversation(turns).length;
  }

  /**
   * All that the model reads before it answers the last of several turns: words as text and token ids, and where the
   * image and its objects are. Its tokens together are the answer's `promptTokens`.
   * @throws ChatRexError as `chat` does
   */
  prompt(turns: readonly Turn[]): PromptPart[] {
    const { chat, memory } = this.#context;
    const spelled = (ids: readonly number[]): PromptPart => ({ kind: 'text', text: chat.spell(ids), ids });
    const segments = chat.prefix(this.boxes.scores.length);
    const others = segments.reduce((sum, one) => sum + (one.kind === 'tokens' ? one.ids.length : 2), -2);
    const prefix = segments.flatMap((segment): PromptPart[] => {
      if (segment.kind === 'tokens') return [spelled(segment.ids)];
      if (segment.kind === 'image') return [{ kind: 'image', tokens: memory.prefixLength - others }];
      return [spelled([segment.id]), { kind: 'object', index: segment.index }];
    });
    return [...prefix, spelled(this.#conversation(turns))];
  }

  /** As `chat`, while it is written. */
  async *streamChat(turns: readonly Turn[], options: AskOptions = {}): AsyncGenerator<AnswerEvent, Answer> {
    return yield* writeAnswer(this.#context, this.#conversation(turns), options);
  }

  /** Ids of all that follows the prefix. */
  #conversation(turns: readonly Turn[]): number[] {
    const { chat } = this.#context;
    const boxCount = this.boxes.scores.length;
    if (!Array.isArray(turns) || turns.length === 0) throw wrongArgument('chat', 'a list of one turn or more', turns);
    return turns.flatMap(({ question, answer }: Turn, turn) => {
      if (typeof question !== 'string' || question.trim() === '') {
        throw wrongArgument('question', 'text with words in it', question);
      }
      const isLast = turn === turns.length - 1;
      if (isLast !== (answer === undefined)) {
        throw new ChatRexError(
          'invalid-argument',
          `chat: turn ${turn} ${isLast ? 'has an answer already' : 'lacks its answer'}`,
        );
      }
      const asked = turn === 0 ? chat.question(question, boxCount) : chat.nextQuestion(question, boxCount);
      return answer === undefined ? asked : [...asked, ...this.#answerIds(answer)];
    });
  }

  /** Tokens as they were chosen, so that they need not be read again. */
  #answerIds(answer: Answer | GroundedText): readonly number[] {
    const { chat } = this.#context;
    if (!('ids' in answer)) return chat.answer(answer);
    // What was said are the spans; the tokens go on into the stop text.
    if (answer.ending === 'stop') return chat.answer(answer.spans);
    const [end, ...otherEnds] = chat.vocabulary.endIds;
    const last = answer.ids[answer.ids.length - 1];
    return last === end || otherEnds.includes(last) ? answer.ids : [...answer.ids, end];
  }
}

function requireObjects(objects: readonly number[], boxCount: number): void {
  if (!Array.isArray(objects)) throw wrongArgument('objects', 'a list of indices of boxes such as [0, 3]', objects);
  const isBox = (object: unknown) => Number.isInteger(object) && Number(object) >= 0 && Number(object) < boxCount;
  const wrong = objects.findIndex((object) => !isBox(object));
  const expected = boxCount > 0 ? `indices from 0 to ${boxCount - 1}` : 'none, since the image has no boxes';
  if (wrong >= 0) throw wrongArgument('objects', expected, objects[wrong]);
}
