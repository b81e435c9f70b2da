/**
 * What comes back for a question: text, the phrases in it that are tied to boxes, and how sure the model is of each.
 */

import type { BoxArray } from '../boxes/box-array.ts';
import { ChatRexError } from '../errors.ts';
import { AnswerConstraint } from '../grounding/constrain.ts';
import type { Dialect } from '../grounding/dialect.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { type AnswerEvent, type AnswerIssue, createAnswerParser, type ParsedAnswer } from '../grounding/parse.ts';
import { plainText } from '../grounding/render.ts';
import { scoreAnswer } from '../grounding/score.ts';
import type { SamplingOptions } from '../language/sampling.ts';
import type { Chat } from '../prompt/conversation.ts';
import type { ChatRexConfig } from './config.ts';
import type { ImageMemory } from './image-memory.ts';
import { cutSpans, StopText } from './stop-text.ts';

export interface AskOptions extends SamplingOptions {
  /**
   * Tokens of the answer at most; 512, as the released models were run with. Fewer where the model has no more
   * positions.
   */
  maxTokens?: number;
  /** Same seed, same answer; without effect at temperature 0, the default. */
  seed?: number;
  /** Texts before the first of which the answer ends; markers of phrases and boxes take no part in them. */
  stop?: readonly string[];
  /** Ends the writing with an error of code 'aborted'. */
  signal?: AbortSignal;
  /** Called as the answer is written. */
  onEvent?: (event: AnswerEvent) => void;
  /** False lets the model write what it likes; the answer is read all the same, and what is wrong in it is an issue. */
  isConstrained?: boolean;
}

export interface Answer {
  /** What a person reads. */
  readonly text: string;
  /** The same as text and phrases; phrases name boxes by their index in the image's list. */
  readonly spans: GroundedText;
  /** One row per box of every phrase, in the order of the answer: index in the image's list. */
  readonly objects: readonly number[];
  /** The phrase of each row. */
  readonly labels: readonly string[];
  /** [rows, 4] in pixels of the original image. */
  readonly boxesXyxy: Float64Array;
  /** Proposal score times the probability with which the model chose the box; see `grounding/score.ts`. */
  readonly scores: readonly number[];
  /** What in the answer is not of the grammar; empty when decoding is constrained. */
  readonly issues: readonly AnswerIssue[];
  /** Whether the model ended it, a stop text came, or it was cut for its length or for repeating itself. */
  readonly ending: 'end' | 'stop' | 'length' | 'loop';
  /** As the model spelled it, tags included. */
  readonly source: string;
  /** Its tokens, the end token included if it came; those of a stop text too. */
  readonly ids: readonly number[];
  /** Tokens before it: the image with its objects, and the conversation. */
  readonly promptTokens: number;
}

/** What an answer about an image is written and read with. */
export interface AnswerContext {
  readonly memory: ImageMemory;
  readonly chat: Chat;
  readonly dialect: Dialect;
  /** How lists are written, if they are sets; ascending by default. */
  readonly setLists?: NonNullable<ChatRexConfig['extensions']>['setLists'];
  /** Most tokens before the answer, if the model was made for fewer than it has positions. */
  readonly maxPromptTokens?: number;
  readonly boxesXyxy: BoxArray;
  readonly proposalScores: ArrayLike<number>;
}

const defaultMaxTokens = 512;

/** Writes the answer to `ids` (the question, or a whole conversation), yielding events as they become certain. */
export async function* writeAnswer(
  context: AnswerContext,
  ids: readonly number[],
  options: AskOptions,
): AsyncGenerator<AnswerEvent, Answer> {
  const { memory, chat, dialect, setLists, proposalScores } = context;
  requirePrompt(memory.prefixLength + ids.length, context.maxPromptTokens);
  const boxCount = proposalScores.length;
  const { maxTokens: wished = defaultMaxTokens, isConstrained = true, onEvent, stop = [], ...sampling } = options;
  const maxTokens = answerLength(wished, memory.room - ids.length);
  const constraint = isConstrained
    ? new AnswerConstraint(chat.vocabulary, {
        ...{ boxCount, maxTokens, setLists: setLists && { ...setLists, proposalScores } },
        timesAsked: (phraseIds) => timesNamed(chat, ids, phraseIds),
      })
    : undefined;
  const parser = createAnswerParser({ dialect, boxCount });
  const stopText = new StopText(stop);
  const decoder = chat.createAnswerDecoder();
  const { endIds } = chat.vocabulary;
  const written: number[] = [];
  const probabilities: number[] = [];
  const constraints = constraint && [constraint];
  const generation = { ...sampling, maxTokens, stopIds: endIds, constraints };
  for await (const { id, probability } of memory.write(ids, generation)) {
    written.push(id);
    probabilities.push(probability);
    if (endIds.includes(id)) break;
    yield* reported(stopText.push(parser.push(decoder.push(id))), onEvent);
    if (stopText.stoppedAt !== undefined) break;
  }
  yield* reported([...stopText.push([...parser.push(decoder.end()), ...parser.end()]), ...stopText.end()], onEvent);
  const isEnded = endIds.includes(written[written.length - 1]);
  const { stoppedAt } = stopText;
  const ending = stoppedAt !== undefined ? 'stop' : (constraint?.cut ?? (isEnded ? 'end' : 'length'));
  const promptTokens = memory.prefixLength + ids.length;
  return {
    ...grounded(context, parser.answer, { ids: written, probabilities, stoppedAt, isConstrained }),
    ending,
    ids: written,
    promptTokens,
  };
}

function* reported(events: AnswerEvent[], onEvent: AskOptions['onEvent']): Generator<AnswerEvent> {
  for (const event of events) {
    onEvent?.(event);
    yield event;
  }
}

function requirePrompt(tokens: number, most = Number.POSITIVE_INFINITY): void {
  if (tokens <= most) return;
  const message = `image, boxes and question take ${tokens} tokens, the model was made for ${most} before its answer`;
  throw new ChatRexError('limit-exceeded', `${message}; give fewer boxes or a shorter conversation`);
}

/** How often the last question of a conversation names a phrase, also in the plural. */
function timesNamed(chat: Chat, conversation: readonly number[], phraseIds: readonly number[]): number {
  const start = conversation.findLastIndex((id) => chat.vocabulary.endIds.includes(id)) + 1;
  const question = textOf(chat, conversation.slice(start)).toLowerCase();
  const phrase = textOf(chat, phraseIds).trim().toLowerCase();
  if (phrase === '') return 0;
  let count = 0;
  for (let at = question.indexOf(phrase); at >= 0; at = question.indexOf(phrase, at + phrase.length)) {
    if (!/[\p{L}\p{N}]$/u.test(question.slice(0, at))) count++;
  }
  return count;
}

function textOf(chat: Chat, ids: readonly number[]): string {
  const decoder = chat.createAnswerDecoder();
  return ids.map((id) => decoder.push(id)).join('') + decoder.end();
}

function answerLength(wished: number, room: number): number {
  if (!Number.isInteger(wished) || wished < 1) {
    throw new ChatRexError('invalid-argument', `maxTokens: expected a whole number from 1, came ${wished}`);
  }
  if (room < 1) {
    throw new ChatRexError(
      'limit-exceeded',
      'the question leaves the model no position for an answer; shorten it, give fewer boxes or start a new conversation',
    );
  }
  return Math.min(wished, room);
}

/** Rows of boxes with labels and scores. */
function grounded(
  { chat, boxesXyxy, proposalScores, setLists }: AnswerContext,
  { spans: whole, sources, issues }: ParsedAnswer,
  {
    stoppedAt,
    isConstrained,
    ...choices
  }: { ids: readonly number[]; probabilities: readonly number[]; stoppedAt?: number; isConstrained: boolean },
): Omit<Answer, 'ending' | 'ids' | 'promptTokens'> {
  const grounding = chat.vocabulary.ids;
  const leastSetScore = isConstrained ? setLists?.leastScore : undefined;
  const scoresOfSpans = scoreAnswer(whole, { ...choices, grounding, proposalScores, leastSetScore });
  const spans = stoppedAt === undefined ? whole : cutSpans(whole, stoppedAt);
  const rows = spans.flatMap((span, i) =>
    span.kind === 'text'
      ? []
      : span.objects.map((object, j) => ({ object, label: span.text.trim(), score: scoresOfSpans[i][j] })),
  );
  return {
    text: plainText(spans),
    spans,
    objects: rows.map(({ object }) => object),
    labels: rows.map(({ label }) => label),
    boxesXyxy: Float64Array.from(rows.flatMap(({ object }) => [...boxesXyxy.subarray(4 * object, 4 * object + 4)])),
    scores: rows.map(({ score }) => score),
    issues,
    source: sources.join(''),
  };
}
