/** Routes about the server itself: is it alive, can it answer, which version is it, what are its figures and models. */

import { Hono } from 'hono';
import { requireModel } from '../api-error.ts';
import type { ServerEnv, Services } from '../http-context.ts';
import type { Metrics } from '../metrics.ts';
import { openApi } from '../openapi.ts';

export interface StatusSources extends Services {
  readonly metrics: Metrics;
  readonly version: string;
  /** Whether the server has begun to stop. */
  readonly isStopping: () => boolean;
}

/** For balancers and people; needs no key. */
export function statusRoutes({ engine, version, isStopping }: StatusSources): Hono<ServerEnv> {
  const document = openApi(version);
  return new Hono<ServerEnv>()
    .get('/health', (c) => c.json({ status: 'ok' }))
    .get('/ready', (c) => {
      const isReady = engine.isReady && !isStopping();
      return c.json({ ready: isReady, ...engine.load }, isReady ? 200 : 503);
    })
    .get('/version', (c) => c.json({ version }))
    .get('/openapi.json', (c) => c.json(document));
}

export function metricsRoute({ metrics }: StatusSources): Hono<ServerEnv> {
  return new Hono<ServerEnv>().get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
}

/** OpenAI's `/v1/models`. */
export function modelRoutes({ settings }: Services): Hono<ServerEnv> {
  const model = {
    id: settings.modelName,
    object: 'model',
    created: Math.floor(Date.now() / 1000),
    owned_by: 'chatrex',
    max_image_bytes: settings.maxImageBytes,
  };
  return new Hono<ServerEnv>()
    .get('/models', (c) => c.json({ object: 'list', data: [model] }))
    .get('/models/:id', (c) => {
      requireModel(c.req.param('id'), settings.modelName);
      return c.json(model);
    });
}
