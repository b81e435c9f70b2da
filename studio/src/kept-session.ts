/** Sessions as they come back from the server: somebody else may have put them there, so nothing in them is trusted. */

import { StudioError } from './api.ts';
import type { SentTurn } from './conversation.ts';
import type { Answer, Box, BoxXyxy, Granularity, Phrase, PromptPart, Raw, StudioImage, Task } from './model.ts';

export type KeptImage = Omit<StudioImage, 'file' | 'id'>;

/** @throws StudioError when it is none, or of a later version of the page */
export function readSession(json: unknown): { current: number; images: KeptImage[] } {
  const { state } = record(json);
  const { version, current, images } = record(state);
  if (version !== 1)
    throw new StudioError('This link was made by another version of the page, which is not known here.');
  return { current: whole(current), images: list(images, maxImages, image) };
}

const maxImages = 500;
const maxBoxes = 1000;
const maxSteps = 20;
const maxAnswers = 500;
const maxPhrases = 1000;
const maxTokens = 20_000;
const maxTurns = 128;
const maxText = 100_000;

const wrong = (): never => {
  throw new StudioError('The session of this link is damaged, and cannot be opened.');
};

type Reader<T> = (value: unknown) => T;

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : wrong();
}

function list<T>(value: unknown, most: number, item: Reader<T>): T[] {
  return Array.isArray(value) && value.length <= most ? value.map(item) : wrong();
}

const number: Reader<number> = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : wrong());
const whole: Reader<number> = (value) => (Number.isInteger(value) && Number(value) >= 0 ? Number(value) : wrong());
const text: Reader<string> = (value) => (typeof value === 'string' && value.length <= maxText ? value : wrong());
const oneOf =
  <T extends string>(...words: readonly T[]): Reader<T> =>
  (value) =>
    words.includes(value as T) ? (value as T) : wrong();

/** A field that may be missing stays missing. */
function optional<Name extends string, T>(fields: Record<string, unknown>, name: Name, read: Reader<T>) {
  return (fields[name] === undefined ? {} : { [name]: read(fields[name]) }) as { [key in Name]?: T };
}

const granularity = oneOf<Granularity>('fine', 'coarse', 'both');
const texts =
  (most: number): Reader<string[]> =>
  (value) =>
    list(value, most, text);
const wholes: Reader<number[]> = (value) => list(value, maxTokens, whole);

const coordinates: Reader<BoxXyxy> = (value) => {
  const [x1, y1, x2, y2, ...rest] = list(value, 4, number);
  return y2 === undefined || rest.length > 0 ? wrong() : [x1, y1, x2, y2];
};

const box: Reader<Box> = (value) => {
  const fields = record(value);
  return {
    ...{ id: text(fields.id), box: coordinates(fields.box), score: number(fields.score) },
    source: oneOf<Box['source']>('found', 'drawn')(fields.source),
    ...optional(fields, 'label', text),
  };
};

const phrase: Reader<Phrase> = (value) => {
  const { start, end, text: words, boxes } = record(value);
  return { start: whole(start), end: whole(end), text: text(words), boxes: texts(maxBoxes)(boxes) };
};

const promptPart: Reader<PromptPart> = (value) => {
  const { kind, text: words, tokens, positions, index } = record(value);
  if (kind === 'text') return { kind, text: text(words), tokens: wholes(tokens) };
  if (kind === 'image') return { kind, positions: whole(positions) };
  return kind === 'object' ? { kind, index: whole(index) } : wrong();
};

const raw: Reader<Raw> = (value) => {
  const fields = record(value);
  return {
    ...{ answer: text(fields.answer), tokens: wholes(fields.tokens), prompt_tokens: whole(fields.prompt_tokens) },
    ...optional(fields, 'prompt', (parts) => list(parts, maxTokens, promptPart)),
    ending: oneOf<Raw['ending']>('end', 'stop', 'length', 'loop')(fields.ending),
  };
};

const turn: Reader<SentTurn> = (value) => {
  const { question, text: words, phrases } = record(value);
  const sent = list(phrases, maxPhrases, (one) => {
    const { start, end, objects } = record(one);
    return { start: whole(start), end: whole(end), objects: wholes(objects) };
  });
  return { question: text(question), text: text(words), phrases: sent };
};

const answer: Reader<Answer> = (value) => {
  const fields = record(value);
  return {
    id: text(fields.id),
    task: oneOf<Task>('ask', 'detect', 'count', 'describe', 'caption')(fields.task),
    ...{ asked: text(fields.asked), question: text(fields.question), text: text(fields.text) },
    phrases: list(fields.phrases, maxPhrases, phrase),
    boxes: texts(maxBoxes)(fields.boxes),
    ...optional(fields, 'given', (boxes) => list(boxes, maxBoxes, coordinates)),
    ...optional(fields, 'givenScores', (scores) => list(scores, maxBoxes, number)),
    granularity: granularity(fields.granularity),
    ...optional(fields, 'style', oneOf('category', 'phrase', 'brief', 'sentence')),
    ...optional(fields, 'turns', (turns) => list(turns, maxTurns, turn)),
    status: oneOf<Answer['status']>('done', 'cancelled', 'failed')(fields.status),
    ...optional(fields, 'error', text),
    ...optional(fields, 'isTooLong', (flag) => flag === true),
    ...optional(fields, 'firstWordMs', number),
    ...optional(fields, 'totalMs', number),
    ...optional(fields, 'isCached', (flag) => flag === true),
    ...optional(fields, 'raw', raw),
  };
};

const boxes: Reader<Box[]> = (value) => list(value, maxBoxes, box);
const steps: Reader<Box[][]> = (value) => list(value, maxSteps, boxes);

const image: Reader<KeptImage> = (value) => {
  const fields = record(value);
  const size = { width: whole(fields.width), height: whole(fields.height) };
  if (size.width === 0 || size.height === 0) wrong();
  return {
    ...{ name: text(fields.name), ...size, boxes: boxes(fields.boxes) },
    ...{ past: steps(fields.past), future: steps(fields.future) },
    ...{ granularity: granularity(fields.granularity), minScore: number(fields.minScore) },
    maxOverlap: number(fields.maxOverlap),
    ...optional(fields, 'usualScore', number),
    ...optional(fields, 'kinds', texts(2)),
    status: oneOf<StudioImage['status']>('new', 'ready', 'failed')(fields.status),
    ...optional(fields, 'error', text),
    answers: list(fields.answers, maxAnswers, answer),
  };
};
