/** What every route knows of its request, and how it reads one. */

import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { Engine, ImageInput } from './engine.ts';
import type { FetchImageOptions } from './fetch-image.ts';
import { type ImageSourceOptions, imageBytes } from './image-source.ts';
import type { SessionStore } from './sessions/session-store.ts';
import { type HttpSettings, sizeText } from './settings.ts';
import { yieldTurn } from './yield-turn.ts';

export interface ServerEnv {
  /** Missing where a test calls the application without a socket. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    /** By whom requests are told apart for fairness: a key, or else an address. */
    client: string;
    /** Fires when the client goes away. */
    signal: AbortSignal;
    /** What the client is told of a failure; a defect goes into the log. */
    tell: (error: unknown) => ApiError;
  };
}

export type ServerContext = Context<ServerEnv>;

/** What routes work with. */
export interface Services {
  readonly engine: Engine;
  readonly settings: HttpSettings;
  readonly sessions: SessionStore;
  readonly fetchOptions?: FetchImageOptions;
}

export const callerOf = (c: ServerContext) => ({ client: c.get('client'), signal: c.get('signal') });

export const imageOptions = ({ settings, fetchOptions }: Services): ImageSourceOptions => ({
  ...fetchOptions,
  maxBytes: settings.maxImageBytes,
});

/** @throws ApiError 415, 413, 400 */
export async function readJson<T extends z.ZodType>(
  c: ServerContext,
  schema: T,
  maxBytes: number,
): Promise<z.infer<T>> {
  // Browsers send other types to other sites without asking them first.
  const type = (c.req.header('content-type') ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json') {
    const came = type === '' ? 'none' : type;
    throw new ApiError(415, `expected the header Content-Type: application/json, came ${came}`);
  }
  const body = await readBody(c, maxBytes);
  await yieldTurn(body.length);
  const text = body.toString('utf8');
  await yieldTurn(body.length);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ApiError(400, 'the body is not JSON', { code: 'invalid_json', cause });
  }
  await yieldTurn(body.length);
  return checked(json, schema);
}

/** @throws ApiError 400 naming the first field that is wrong */
export function checked<T extends z.ZodType>(json: unknown, schema: T): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const { path, message } = deepest(issue);
  const param = path.join('.');
  throw new ApiError(400, `${param || 'the body'}: ${message}`, { param: param || undefined, code: 'invalid_request' });
}

/** Of a choice between forms, what is wrong with the form that came nearest; the choice itself says little. */
function deepest(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union') {
    return {
      path: issue.path,
      message: issue.message.replace(/^Invalid input: (.*), received undefined$/, '$1, came nothing'),
    };
  }
  const inner = issue.errors.flat().map((one) => deepest(one));
  const nearest = inner.reduce<(typeof inner)[number] | undefined>(
    (best, one) => (one.path.length > (best?.path.length ?? 0) ? one : best),
    undefined,
  );
  return nearest ? { path: [...issue.path, ...nearest.path], message: nearest.message } : issue;
}

/** The body in one piece. @throws ApiError 413 as soon as it is too long */
export async function readBody(c: ServerContext, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => {
    const rule = `the body has more than the ${sizeText(maxBytes)} that this server takes (chatrex serve --max-body)`;
    return new ApiError(413, `${rule}; shrink the image, and send it once`, { code: 'body_too_large' });
  };
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge();
  const { body } = c.req.raw;
  if (!body) throw new ApiError(400, 'the request has no body');
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    // Nobody hears this: the client is gone, or too slow.
    throw cause instanceof ApiError ? cause : new ApiError(400, 'the body broke off', { cause });
  }
  return Buffer.concat(chunks);
}

/** What a request says about the boxes of its image. */
interface BoxFields {
  boxes?: number[][];
  box_scores?: number[];
  granularity?: 'fine' | 'coarse' | 'both';
}

/** The image that a request names, with its boxes. @throws ApiError 400 */
export async function readImage(
  services: Services,
  { url, param, ...boxes }: BoxFields & { url: string; param: string },
): Promise<ImageInput> {
  return imageFrom(await imageBytes(url, param, imageOptions(services)), boxes);
}

/** @throws ApiError 400 when there is not a score for each box */
export function imageFrom(bytes: Uint8Array, { boxes, box_scores: scores, granularity }: BoxFields): ImageInput {
  if (scores && scores.length !== (boxes?.length ?? 0)) {
    throw new ApiError(400, `box_scores: expected one per box (${boxes?.length ?? 0}), came ${scores.length}`, {
      param: 'box_scores',
    });
  }
  return { bytes, boxes: boxes && { boxesXyxy: boxes, scores }, granularity };
}
