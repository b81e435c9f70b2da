/** The server's routes as an OpenAPI 3.1 document, made of the schemas that check the requests. */

import { z } from 'zod';
import { chatRequestSchema } from './chat-request.ts';
import { groundingSchema } from './grounding-json.ts';
import { moondreamBodies } from './routes/moondream.ts';
import { taskBody } from './routes/own.ts';
import { sessionBody } from './routes/sessions.ts';
import { type TaskName, tasks } from './tasks.ts';

type Json = Record<string, unknown>;

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const completionSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().meta({ description: 'The answer, without markers of phrases and boxes.' }),
        grounding: groundingSchema,
      }),
      finish_reason: z.enum(['stop', 'length']),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }),
});

const moondreamResults = {
  query: z.object({ request_id: z.string(), answer: z.string() }),
  caption: z.object({ request_id: z.string(), caption: z.string() }),
  detect: z.object({
    request_id: z.string(),
    objects: z.array(z.object({ x_min: z.number(), y_min: z.number(), x_max: z.number(), y_max: z.number() })),
  }),
  point: z.object({
    request_id: z.string(),
    points: z.array(z.object({ x: z.number(), y: z.number() })),
    count: z.int(),
  }),
};

/** @param version of the package */
export function openApi(version: string): Json {
  const own = (Object.keys(tasks) as TaskName[]).map((name) => [
    `/v1/chatrex/${name}`,
    post(tasks[name].summary, jsonBody(taskBody(name)), tasks[name].result),
  ]);
  const moondream = (Object.keys(moondreamBodies) as (keyof typeof moondreamBodies)[]).map((name) => [
    `/v1/${name}`,
    post(`Moondream's ${name}`, jsonBody(moondreamBodies[name]), moondreamResults[name]),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'ChatRex',
      version,
      description: 'Answers about images whose phrases are tied to boxes. POST bodies are JSON.',
    },
    paths: {
      '/v1/chat/completions': post(
        "OpenAI's chat completions; message.grounding has phrases and boxes",
        jsonBody(chatRequestSchema),
        completionSchema,
      ),
      '/v1/models': get('The model that is served'),
      ...Object.fromEntries(own),
      ...Object.fromEntries(moondream),
      '/v1/chatrex/sessions': post(
        'Keep a session of the studio; it is there when PUT /v1/chatrex/sessions/{id}/images/{index} brought its images',
        jsonBody(sessionBody),
        z.object({ id: z.string(), expires_at: z.string() }),
      ),
      '/v1/chatrex/sessions/{id}': get('A session that was kept; its images are at /images/{index} below it'),
      '/health': get('Whether the server is alive'),
      '/ready': get('Whether it can answer now; 503 when not'),
      '/version': get('Version of the package'),
      '/metrics': get("Figures for Prometheus, under vLLM's names", 'text/plain'),
      '/mcp': {
        post: { summary: 'Model Context Protocol, streamable HTTP', responses: { 200: { description: 'ok' } } },
      },
    },
    components: {
      schemas: {
        Error: {
          type: 'object',
          properties: {
            error: {
              type: 'object',
              required: ['message', 'type', 'param', 'code'],
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { type: ['string', 'null'] },
                code: { type: ['string', 'null'] },
              },
            },
          },
        },
      },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ key: [] }, {}],
  };
}

const jsonBody = (schema: z.ZodType): Json => ({ 'application/json': { schema: jsonSchema(schema, 'input') } });

const errorReply = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };

function post(summary: string, content: Json, result: z.ZodType): Json {
  return {
    post: {
      summary,
      requestBody: { required: true, content },
      responses: {
        200: { description: 'done', content: { 'application/json': { schema: jsonSchema(result, 'output') } } },
        400: { description: 'the request cannot be done as it is', ...errorReply },
        401: { description: 'no key of this server', ...errorReply },
        413: { description: 'the body is too large', ...errorReply },
        429: { description: 'too many requests wait; Retry-After says how long', ...errorReply },
        503: { description: 'not now; Retry-After says how long', ...errorReply },
      },
    },
  };
}

const get = (summary: string, type = 'application/json'): Json => ({
  get: { summary, responses: { 200: { description: 'ok', content: { [type]: {} } } } },
});
