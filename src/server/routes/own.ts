/**
 * Routes of our own, for what OpenAI's API has no word for: `POST
 * /v1/chatrex/{propose,ask,detect,count,describe,caption}`.
 *
 * The request is JSON with the image as `image` (a data: or https: address), or the image file itself with everything
 * else in the query: `curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' '.../v1/chatrex/detect?phrases=dog'`.
 */

import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import type { ImageInput } from '../engine.ts';
import { createGroundingStream } from '../grounding-json.ts';
import {
  callerOf,
  checked,
  imageFrom,
  readBody,
  readImage,
  readJson,
  type ServerContext,
  type ServerEnv,
  type Services,
} from '../http-context.ts';
import { streamed } from '../sse.ts';
import { type Task, type TaskName, tasks } from '../tasks.ts';

const imageField = z.string().meta({ description: 'data:image/...;base64,... or an https: address' });
const streamField = z
  .boolean()
  .optional()
  .meta({ description: 'Server-sent events: {content}, {grounding}, and at the end {result}.' });

/** The body that a task's route takes. */
export const taskBody = (name: TaskName) =>
  tasks[name].request.extend({ image: imageField, ...(canStream(name) && { stream: streamField }) });

const canStream = (name: TaskName): boolean => name !== 'propose' && name !== 'caption';

export function ownRoutes(services: Services): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  for (const name of Object.keys(tasks) as TaskName[]) {
    app.post(`/chatrex/${name}`, async (c) => {
      const { image, request } = await readRequest(services, c, name);
      const task: Task = tasks[name];
      const { stream } = request as { stream?: boolean };
      if (!stream) return c.json(await task.run(services.engine, callerOf(c), image, request));
      return streamTask(services, c, task, image, request);
    });
  }
  return app;
}

type Request = z.infer<ReturnType<typeof taskBody>>;

async function readRequest(
  services: Services,
  c: ServerContext,
  name: TaskName,
): Promise<{ image: ImageInput; request: Request }> {
  const { settings } = services;
  const schema = taskBody(name);
  const type = (c.req.header('content-type') ?? '').toLowerCase();
  if (!type.startsWith('image/')) {
    const request = await readJson(c, schema, settings.maxBodyBytes);
    return { image: await readImage(services, { url: request.image, param: 'image', ...boxesIn(request) }), request };
  }
  const request = checked({ ...fromQuery(c.req.queries()), image: '' }, schema);
  const bytes = await readBody(c, settings.maxImageBytes);
  if (bytes.length === 0) throw new ApiError(400, 'the body has no bytes; expected an image file');
  return { image: imageFrom(bytes, boxesIn(request)), request };
}

const boxesIn = (request: Request): Pick<z.infer<typeof tasks.ask.request>, 'boxes' | 'box_scores' | 'granularity'> =>
  request as z.infer<typeof tasks.ask.request>;

const lists = new Set(['phrases']);
const texts = new Set(['phrases', 'phrase', 'question', 'granularity', 'detail', 'style']);

/** Fields of a query: texts as they are, numbers and lists as JSON. */
function fromQuery(query: Record<string, string[]>): Record<string, unknown> {
  const fields = Object.entries(query).map(([name, values]) => {
    const parsed = values.map((value) => (texts.has(name) ? value : jsonOr(value)));
    return [name, lists.has(name) ? parsed : parsed.at(-1)];
  });
  return Object.fromEntries(fields);
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Events as in `createGroundingStream`, then `{result}`. */
function streamTask(
  services: Services,
  c: ServerContext,
  task: Task,
  image: ImageInput,
  request: Request,
): Promise<Response> {
  return streamed<object, object>(
    c,
    (push) => {
      let pieceOf: ReturnType<typeof createGroundingStream> | undefined;
      return task.run(services.engine, callerOf(c), image, request, (event, { facts }) => {
        pieceOf ??= createGroundingStream(facts);
        const piece = pieceOf(event);
        if (piece) push(piece);
      });
    },
    { item: (sink, piece) => sink.send(piece), end: (sink, result) => sink.send({ result }) },
  );
}
