/**
 * The process that holds the model: it computes what the server tells it to and nothing else. See `model-protocol.ts`.
 */

import type { EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRex } from '../chatrex.ts';
import { drawBoxes } from '../drawing/draw-boxes.ts';
import { drawGroundedAnswer } from '../drawing/grounded-answer.ts';
import { ChatRexError } from '../errors.ts';
import { decodeImage } from '../image/decode.ts';
import { endAtOnce } from '../workers/end-at-once.ts';
import type {
  AskResult,
  AskTask,
  DrawTask,
  EncodedFacts,
  EncodeTask,
  FromModel,
  ModelResults,
  ModelTask,
  ProposeResult,
  ProposeTask,
  SentError,
  ToModel,
} from './model-protocol.ts';

/** What the server passes as the only argument, as JSON. */
export interface ModelChildOptions {
  readonly model: string;
  readonly upn?: string;
  readonly threads?: number;
  /** Answers that are written together, and the memory they may take. */
  readonly batchRows: number;
  readonly batchBytes: number;
}

const images = new Map<string, EncodedImage>();
const running = new Map<number, AbortController>();
/** Images are looked at one after the other: each takes all cores, and much memory meanwhile. */
let looking: Promise<unknown> = Promise.resolve();

const send = (message: FromModel): void => {
  if (process.connected) process.send?.(message);
};

async function main({ model, threads, ...options }: ModelChildOptions): Promise<void> {
  // Ctrl-C on a terminal reaches every process of the group; the server decides when this one ends.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => endAtOnce('SIGKILL'));
  try {
    const loaded = await ChatRex.load(model, { ...options, ...(threads && { session: { threads } }) });
    process.on('message', (message: ToModel) => receive(loaded, message));
    send({ kind: 'ready' });
  } catch (error) {
    send({ kind: 'unloadable', error: sentError(error) });
    process.exitCode = 1;
    process.disconnect?.();
  }
}

function receive(model: ChatRex, message: ToModel): void {
  if (message.kind === 'forget') images.delete(message.key);
  else if (message.kind === 'abort') running.get(message.id)?.abort();
  else void compute(model, message.id, message.task);
}

async function compute(model: ChatRex, id: number, task: ModelTask): Promise<void> {
  const control = new AbortController();
  running.set(id, control);
  try {
    const result = await perform(model, id, task, control.signal);
    send({ kind: 'result', id, result });
  } catch (error) {
    send({ kind: 'error', id, error: sentError(error) });
  } finally {
    running.delete(id);
  }
}

function perform(
  model: ChatRex,
  id: number,
  task: ModelTask,
  signal: AbortSignal,
): Promise<ModelResults[keyof ModelResults]> {
  switch (task.kind) {
    case 'encode':
      return afterOthers(() => encode(model, task, signal));
    case 'ask':
      return ask(id, task, signal);
    case 'propose':
      return afterOthers(() => propose(model, task, signal));
    case 'draw':
      return draw(task);
  }
}

function afterOthers<T>(work: () => Promise<T>): Promise<T> {
  const result = looking.then(work);
  looking = result.catch(() => {});
  return result;
}

async function encode(
  model: ChatRex,
  { key, image, maxPixels, boxes, granularity }: EncodeTask,
  signal: AbortSignal,
): Promise<EncodedFacts> {
  requireWanted(signal);
  const pixels = await decodeImage(image, { maxPixels });
  const scored = boxes && { boxesXyxy: boxes.boxesXyxy, scores: boxes.scores ?? boxes.boxesXyxy.map(() => 1) };
  const encoded = await model.encode(pixels, { boxes: scored, granularity, signal });
  images.set(key, encoded);
  const { size, boxes: kept, tokens, sizeBytes } = encoded;
  return { size, ...kept, tokens, sizeBytes };
}

async function ask(
  id: number,
  { key, turns, options, isStreamed, showsPrompt }: AskTask,
  signal: AbortSignal,
): Promise<AskResult> {
  const image = images.get(key);
  if (!image) throw new ChatRexError('runtime', 'the image is no longer kept; ask again');
  let isFirst = true;
  const answer = await image.chat(turns, {
    ...options,
    signal,
    onEvent(event) {
      if (isStreamed || isFirst) send({ kind: 'event', id, event });
      isFirst = false;
    },
  });
  return { answer, sizeBytes: image.sizeBytes, ...(showsPrompt && { prompt: image.prompt(turns) }) };
}

async function propose(
  model: ChatRex,
  { kind: _, image, maxPixels, ...options }: ProposeTask,
  signal: AbortSignal,
): Promise<ProposeResult> {
  requireWanted(signal);
  const pixels = await decodeImage(image, { maxPixels });
  const { boxesXyxy, scores, granularities, categories } = await model.propose(pixels, { ...options, signal });
  const size = { width: pixels.width, height: pixels.height };
  return { size, boxesXyxy, scores, granularities, categories, defaults: await model.proposalDefaults() };
}

async function draw({ image, maxPixels, boxesXyxy, labels, scores, answer, question }: DrawTask): Promise<Uint8Array> {
  const pixels = await decodeImage(image, { maxPixels });
  const boxes = Float64Array.from(boxesXyxy.flat());
  if (answer) return drawGroundedAnswer(pixels, answer, boxes, { question });
  return drawBoxes(pixels, boxes, { labels, scores });
}

function requireWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new ChatRexError('aborted', 'looking at the image was cancelled');
}

function sentError(error: unknown): SentError {
  if (error instanceof ChatRexError) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

await main(JSON.parse(process.argv[2]));
