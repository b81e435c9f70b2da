/** The server's routes as the studio uses them. */

import { messagesOf, type SentTurn } from './conversation.ts';
import type { BoxXyxy, Granularity, Raw } from './model.ts';

/** What went wrong, in words for a person. */
export class StudioError extends Error {
  readonly status: number;
  /** The server's word for it, for programs. */
  readonly code: string | undefined;

  constructor(message: string, status = 0, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const keyStore = {
  get: (): string => sessionStorage.getItem('chatrex-key') ?? '',
  set: (key: string): void => sessionStorage.setItem('chatrex-key', key),
};

export interface FoundBox {
  readonly box: BoxXyxy;
  readonly score: number;
  /** What it most likely is, where the network says so. */
  readonly label?: string;
}

export interface Found {
  readonly image: { readonly width: number; readonly height: number };
  readonly boxes: readonly FoundBox[];
  readonly defaults: { readonly min_score: number; readonly granularities: readonly string[] };
}

/** From this score on boxes are fetched; the slider chooses among them. */
export const leastScore = 0.05;

export interface ImagePart {
  readonly file: Blob;
  readonly granularity: Granularity;
  readonly boxes?: readonly BoxXyxy[];
  readonly scores?: readonly number[];
}

interface GroundingJson {
  readonly phrases: readonly { start: number; end: number; text: string; objects: readonly number[] }[];
  readonly objects: readonly { index: number; box: BoxXyxy; score?: number }[];
}

/** What a streamed answer tells as it is written. */
export interface Piece {
  readonly content?: string;
  readonly grounding?: GroundingJson;
  /** Whether `grounding` is all of it. */
  readonly isLast?: boolean;
  readonly raw?: Raw;
  readonly isCached?: boolean;
}

/** Every object of the image that the slider can show, best first. */
export async function propose(file: Blob, granularity: Granularity, signal: AbortSignal): Promise<Found> {
  const query = new URLSearchParams({ granularity, min_score: String(leastScore), max_boxes: '100' });
  const headers = { 'content-type': file.type.startsWith('image/') ? file.type : 'image/*' };
  const reply = await post(`v1/chatrex/propose?${query}`, headers, file, signal);
  return reply.json();
}

/** Texts about boxes, in the order of `objects`. */
export async function caption(
  part: ImagePart,
  style: string,
  objects: readonly number[],
  signal: AbortSignal,
): Promise<{ index: number; text: string; raw?: Raw }[]> {
  const { file, granularity, boxes, scores } = part;
  const body = { image: await dataUrl(file), style, objects, granularity, boxes, box_scores: scores, raw: true };
  const reply = await post('v1/chatrex/caption', json, JSON.stringify(body), signal);
  return (await reply.json()).captions;
}

export const json = { 'content-type': 'application/json' };

export interface ModelFacts {
  /** What the server calls its model; empty while it does not say. */
  readonly name: string;
  readonly maxImageBytes: number;
}

const unknownModel: ModelFacts = { name: '', maxImageBytes: Number.POSITIVE_INFINITY };

let model: Promise<ModelFacts> | undefined;
export function modelFacts(): Promise<ModelFacts> {
  model ??= fetch('v1/models', { headers: authorization() })
    .then((reply) => reply.json())
    .then(({ data }) => ({ name: String(data[0].id), maxImageBytes: Number(data[0].max_image_bytes) }))
    .catch(() => {
      // No key yet, or no server: asked again the next time.
      model = undefined;
      return unknownModel;
    });
  return model;
}

export const modelName = async (): Promise<string> => (await modelFacts()).name;

/** Asks by OpenAI's chat completions, and tells the answer as it is written. */
export async function ask(
  part: ImagePart,
  { turns, question }: { turns: readonly SentTurn[]; question: string },
  signal: AbortSignal,
  onPiece: (piece: Piece) => void,
): Promise<void> {
  const body = JSON.stringify(await chatRequest(part, turns, question, await dataUrl(part.file)));
  const reply = await post('v1/chat/completions', json, body, signal);
  for await (const event of eventsOf(reply)) {
    if (event.error) throw new StudioError(event.error.message, 0, event.error.code);
    const cached = event.usage?.prompt_tokens_details?.cached_tokens;
    if (cached !== undefined) onPiece({ isCached: cached > 0 });
    const [choice] = event.choices ?? [];
    if (!choice) continue;
    const { content, grounding, raw } = choice.delta;
    onPiece({ content, grounding, raw, isLast: choice.finish_reason !== null });
  }
}

async function chatRequest(part: ImagePart, turns: readonly SentTurn[], question: string, url: string) {
  const { granularity, boxes, scores } = part;
  const image = { type: 'image_url', image_url: { url }, granularity, boxes, box_scores: scores };
  return {
    model: (await modelName()) || undefined,
    messages: messagesOf(image, turns, question),
    stream: true,
    stream_options: { include_usage: true },
    raw: true,
  };
}

const authorization = (): Record<string, string> => {
  const key = keyStore.get();
  return key === '' ? {} : { authorization: `Bearer ${key}` };
};

export async function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: BodyInit,
  signal?: AbortSignal,
): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, { method, headers: { ...headers, ...authorization() }, body, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new StudioError('The server does not answer. Is it still running? Start it with: chatrex studio');
  }
  if (!reply.ok) throw await errorOf(reply);
  return reply;
}

const post = (path: string, headers: Record<string, string>, body: BodyInit, signal: AbortSignal): Promise<Response> =>
  send('POST', path, headers, body, signal);

async function errorOf(reply: Response): Promise<StudioError> {
  const error = await reply.json().then(
    (body) => body.error,
    () => undefined,
  );
  const told = String(error?.message ?? `the server answered ${reply.status}`);
  const words: Record<number, string> = {
    401: 'This server wants a key. Enter it at the top of the page.',
    413: 'This is too large for the server.',
    429: 'The server is busy. Try again in a moment.',
    503: 'The server cannot answer right now. Try again in a moment.',
  };
  const before = words[reply.status];
  return new StudioError(before ? `${before} (${told})` : told, reply.status, error?.code);
}

/** Events of a stream, parsed. */
// biome-ignore lint/suspicious/noExplicitAny: the server's own JSON, of several forms
async function* eventsOf(reply: Response): AsyncGenerator<any> {
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop()!;
    for (const event of events) {
      const data = event.replace(/^data: /, '');
      if (data !== '[DONE]') yield JSON.parse(data);
    }
  }
}

export function dataUrl(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new StudioError('The image file cannot be read any more. Choose it again.'));
    reader.readAsDataURL(file);
  });
}
