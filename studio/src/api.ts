/** The server's routes as the studio uses them. */

import type { BoxXyxy, Granularity, Raw } from './model.ts';

/** What went wrong, in words for a person. */
export class StudioError extends Error {
  readonly status: number;

  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}

export const keyStore = {
  get: (): string => sessionStorage.getItem('chatrex-key') ?? '',
  set: (key: string): void => sessionStorage.setItem('chatrex-key', key),
};

export interface FoundBox {
  readonly box: BoxXyxy;
  readonly score: number;
}

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

/** Every object of the image, from a score of `minScore` on, best first. */
export async function propose(
  file: Blob,
  granularity: Granularity,
  signal: AbortSignal,
): Promise<{ image: { width: number; height: number }; boxes: FoundBox[] }> {
  const query = new URLSearchParams({ granularity, min_score: '0.05', max_boxes: '100' });
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
): Promise<{ index: number; text: string }[]> {
  const { file, granularity, boxes, scores } = part;
  const body = { image: await dataUrl(file), style, objects, granularity, boxes, box_scores: scores };
  const reply = await post('v1/chatrex/caption', json, JSON.stringify(body), signal);
  return (await reply.json()).captions;
}

const json = { 'content-type': 'application/json' };

let model: Promise<string> | undefined;
/** What the server calls its model. */
export function modelName(): Promise<string> {
  model ??= fetch('v1/models', { headers: authorization() })
    .then((reply) => reply.json())
    .then(({ data }) => String(data[0].id))
    .catch(() => {
      // No key yet, or no server: asked again the next time.
      model = undefined;
      return '';
    });
  return model;
}

/** Asks by OpenAI's chat completions, and tells the answer as it is written. */
export async function ask(
  part: ImagePart,
  question: string,
  signal: AbortSignal,
  onPiece: (piece: Piece) => void,
): Promise<void> {
  const body = JSON.stringify(await chatRequest(part, question, await dataUrl(part.file)));
  const reply = await post('v1/chat/completions', json, body, signal);
  for await (const event of eventsOf(reply)) {
    if (event.error) throw new StudioError(event.error.message);
    const cached = event.usage?.prompt_tokens_details?.cached_tokens;
    if (cached !== undefined) onPiece({ isCached: cached > 0 });
    const [choice] = event.choices ?? [];
    if (!choice) continue;
    const { content, grounding, raw } = choice.delta;
    onPiece({ content, grounding, raw, isLast: choice.finish_reason !== null });
  }
}

async function chatRequest(part: ImagePart, question: string, url: string) {
  const { granularity, boxes, scores } = part;
  const image = { type: 'image_url', image_url: { url }, granularity, boxes, box_scores: scores };
  return {
    model: (await modelName()) || undefined,
    messages: [{ role: 'user', content: [image, { type: 'text', text: question }] }],
    stream: true,
    stream_options: { include_usage: true },
    raw: true,
  };
}

const authorization = (): Record<string, string> => {
  const key = keyStore.get();
  return key === '' ? {} : { authorization: `Bearer ${key}` };
};

async function post(
  path: string,
  headers: Record<string, string>,
  body: BodyInit,
  signal: AbortSignal,
): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, { method: 'POST', headers: { ...headers, ...authorization() }, body, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new StudioError('The server does not answer. Is it still running? Start it with: chatrex studio');
  }
  if (!reply.ok) throw await errorOf(reply);
  return reply;
}

async function errorOf(reply: Response): Promise<StudioError> {
  const told = await reply
    .json()
    .then(({ error }) => String(error.message))
    .catch(() => `the server answered ${reply.status}`);
  const words: Record<number, string> = {
    401: 'This server wants a key. Enter it at the top of the page.',
    413: 'This image is too large for the server. Shrink it and try again.',
    429: 'The server is busy. Try again in a moment.',
    503: 'The server cannot answer right now. Try again in a moment.',
  };
  const before = words[reply.status];
  return new StudioError(before ? `${before} (${told})` : told, reply.status);
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
