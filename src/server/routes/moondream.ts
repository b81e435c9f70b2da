/**
 * Moondream's `POST /v1/{query,detect,point,caption}`: a second way in, for clients that speak it already. Boxes are
 * fractions of the image, as there.
 */

import { Hono } from 'hono';
import { z } from 'zod';
import { answerFields } from '../chat-request.ts';
import { callerOf, readImage, readJson, type ServerContext, type ServerEnv, type Services } from '../http-context.ts';
import { streamed } from '../sse.ts';
import { type OnTaskEvent, tasks } from '../tasks.ts';

const { max_tokens, temperature, top_p } = answerFields;
const common = {
  image_url: z.string(),
  settings: z.object({ max_tokens, temperature, top_p }).optional(),
};
const object = z.string().min(1).max(1000);

/** Bodies by route, for the API's document too. */
export const moondreamBodies = {
  query: z.object({ ...common, question: z.string().min(1), stream: z.boolean().nullish() }),
  caption: z.object({
    ...common,
    length: z.enum(['short', 'normal', 'long']).default('normal'),
    stream: z.boolean().nullish(),
  }),
  detect: z.object({ ...common, object }),
  point: z.object({ ...common, object }),
};

export function moondreamRoutes(services: Services): Hono<ServerEnv> {
  const { engine, settings } = services;
  const app = new Hono<ServerEnv>();
  const read = async <T extends z.ZodObject<typeof common>>(c: ServerContext, schema: T) => {
    const request = await readJson(c, schema, settings.maxBodyBytes);
    const { image_url: url, settings: given } = request as { image_url: string; settings?: object };
    return { request, image: await readImage(services, { url, param: 'image_url' }), options: { ...given } };
  };
  const detections = async (c: ServerContext) => {
    const { request, image, options } = await read(c, moondreamBodies.detect);
    const result = await tasks.detect.run(engine, callerOf(c), image, { phrases: [request.object], ...options });
    const { width, height } = result.image;
    const objects = result.objects.map(({ box: [x1, y1, x2, y2] }) => ({
      ...{ x_min: x1 / width, y_min: y1 / height, x_max: x2 / width, y_max: y2 / height },
    }));
    return { request_id: c.get('requestId'), objects };
  };
  app.post('/detect', async (c) => c.json(await detections(c)));
  app.post('/point', async (c) => {
    const { request_id, objects } = await detections(c);
    const points = objects.map(({ x_min, y_min, x_max, y_max }) => ({
      x: (x_min + x_max) / 2,
      y: (y_min + y_max) / 2,
    }));
    return c.json({ request_id, points, count: points.length });
  });
  app.post('/query', async (c) => {
    const { request, image, options } = await read(c, moondreamBodies.query);
    const asked = { question: request.question, ...options };
    return writtenReply(c, 'answer', request.stream === true, (onEvent) =>
      tasks.ask.run(engine, callerOf(c), image, asked, onEvent),
    );
  });
  app.post('/caption', async (c) => {
    const { request, image, options } = await read(c, moondreamBodies.caption);
    const asked = { detail: request.length === 'short' ? ('brief' as const) : ('detailed' as const), ...options };
    return writtenReply(c, 'caption', request.stream === true, (onEvent) =>
      tasks.describe.run(engine, callerOf(c), image, asked, onEvent),
    );
  });
  return app;
}

/** `{request_id, [field]: text}`, or events `{chunk}` and at the end `{completed: true}`. */
async function writtenReply(
  c: ServerContext,
  field: 'answer' | 'caption',
  isStreamed: boolean,
  write: (onEvent?: OnTaskEvent) => Promise<{ text: string }>,
): Promise<Response> {
  const request_id = c.get('requestId');
  if (!isStreamed) return c.json({ request_id, [field]: (await write()).text });
  return streamed<string, unknown>(c, (push) => write((event) => event.kind === 'text' && push(event.text)), {
    item: (sink, chunk) => sink.send({ chunk, completed: false }),
    end: (sink) => sink.send({ chunk: '', completed: true, request_id }),
  });
}
