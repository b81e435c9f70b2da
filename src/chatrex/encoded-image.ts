/** An image that has been looked at: every question about it starts from what was seen. */

import { ChatRexError } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import { questionFor, type RegionStyle, regionQuestion } from '../prompt/templates.ts';
import { type Answer, type AnswerContext, type AskOptions, writeAnswer } from './answer.ts';
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

export interface CountAnswer extends Answer {
  /** The number that the answer states, or else how many boxes it names. */
  readonly count: number;
}

/** Boxes of an image as its questions and answers name them. */
export interface ImageBoxes {
  /** [K, 4] in pixels of the original image; box i is `<obji>`. */
  readonly boxesXyxy: Float64Array;
  /** Proposal scores in [0, 1]; 1 for boxes that were given without. */
  readonly scores: readonly number[];
  /** Where each box stood in the list that was given or proposed. */
  readonly sources: readonly number[];
  /** Boxes that were left out because an image can have 100: those of the lowest scores. */
  readonly leftOut: number;
}

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

  /** Finds all that the phrases mean: categories, descriptions, referring expressions. A phrase may have no box. */
  detect(phrases: readonly string[], options: AskOptions = {}): Promise<Answer> {
    return this.ask(questionFor('detect', phrases), options);
  }

  /** Describes the whole image and ties what it mentions to boxes. */
  describe({ detail = 'brief', ...options }: AskOptions & { detail?: 'brief' | 'detailed' } = {}): Promise<Answer> {
    return this.ask(questionFor(`caption-${detail}`), options);
  }

  /** Describes boxes, one by one, by their indices in the image's list. */
  async caption(
    objects: readonly number[],
    { style = 'phrase', ...options }: AskOptions & { style?: RegionStyle } = {},
  ): Promise<RegionCaption[]> {
    const captions: RegionCaption[] = [];
    for (const object of objects) {
      captions.push({ object, ...(await this.ask(regionQuestion(style, [object]), options)) });
    }
    return captions;
  }

  /** Counts what a phrase means, and shows it. */
  async count(phrase: string, options: AskOptions = {}): Promise<CountAnswer> {
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

  /** As `chat`, while it is written. */
  async *streamChat(turns: readonly Turn[], options: AskOptions = {}): AsyncGenerator<AnswerEvent, Answer> {
    return yield* writeAnswer(this.#context, this.#conversation(turns), options);
  }

  /** Ids of all that follows the prefix. */
  #conversation(turns: readonly Turn[]): number[] {
    const { chat } = this.#context;
    const boxCount = this.boxes.scores.length;
    return turns.flatMap(({ question, answer }, turn) => {
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
