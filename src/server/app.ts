/** The application: every route behind its guards, every failure as OpenAI's API tells it, every request in the log. */

import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { matchedRoutes } from 'hono/route';
import { ApiError, apiErrorOf, errorBody } from './api-error.ts';
import { corsGuard, hostGuard, keyGuard } from './guard.ts';
import type { ServerContext, ServerEnv } from './http-context.ts';
import type { Log } from './log.ts';
import { chatCompletions } from './routes/chat-completions.ts';
import { mcpRoute } from './routes/mcp.ts';
import { moondreamRoutes } from './routes/moondream.ts';
import { ownRoutes } from './routes/own.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { metricsRoute, modelRoutes, type StatusSources, statusRoutes } from './routes/status.ts';
import { studioRoutes } from './routes/studio.ts';

export interface AppSources extends StatusSources {
  readonly log: Log;
}

export function createApp(sources: AppSources): Hono<ServerEnv> {
  const { settings, log, metrics } = sources;
  const app = new Hono<ServerEnv>();
  app.use(async (c, next) => {
    const start = performance.now();
    const requestId = requestIdOf(c);
    c.set('requestId', requestId);
    c.set('client', 'unknown');
    c.set('signal', signalOf(c));
    c.set('tell', (error) => tell(requestId, error, log));
    await next();
    c.header('x-request-id', requestId);
    c.header('x-content-type-options', 'nosniff');
    const { method } = c.req;
    // Who knows the name of a session may open it, so that no log holds it.
    const path = c.req.path.replace(/(\/sessions\/)[^/]+/, '$1:id');
    const { status } = c.res;
    // By the route's pattern: paths that anybody makes up would fill the memory.
    const route = matchedRoutes(c).findLast((matched) => matched.method === method)?.path ?? 'none';
    metrics.onResponse(route, status);
    atEnd(c, (isWhole) => {
      const durationMs = Math.round(performance.now() - start);
      const client = c.get('client');
      log.info('request', { requestId, method, path, status, durationMs, client, ...(!isWhole && { isCutOff: true }) });
    });
  });
  app.use(hostGuard(settings));
  app.use(corsGuard(settings));
  app.route('/', statusRoutes(sources));
  app.route('/', studioRoutes());
  app.use(keyGuard(settings));
  app.route('/', metricsRoute(sources));
  app.route('/v1', modelRoutes(sources));
  app.route('/v1', chatCompletions(sources));
  app.route('/v1', ownRoutes(sources));
  app.route('/v1', sessionRoutes(sources));
  app.route('/v1', moondreamRoutes(sources));
  app.route('/', mcpRoute(sources, sources.version));
  app.notFound((c) => {
    const error = new ApiError(404, `${c.req.method} ${c.req.path} is not served; GET /openapi.json says what is`);
    return c.json(errorBody(error), 404);
  });
  app.onError((error, c) => reply(c, c.get('tell')(error)));
  return app;
}

function tell(requestId: string, error: unknown, log: Log): ApiError {
  const told = apiErrorOf(error);
  if (told.status === 500) {
    const { cause } = told;
    log.error('failure', {
      requestId,
      details: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  }
  return told;
}

function reply(c: ServerContext, error: ApiError): Response {
  // What is left of a body that nobody reads would be taken for the next request.
  if (c.env?.incoming?.complete === false) c.header('connection', 'close');
  if (error.retryAfter !== undefined) c.header('retry-after', String(error.retryAfter));
  return c.json(errorBody(error), error.status);
}

/** The client's own, where it is a plain one; it comes back in the reply and stands in the log. */
function requestIdOf(c: ServerContext): string {
  const own = c.req.header('x-request-id');
  return own !== undefined && /^[\w.:-]{1,128}$/.test(own) ? own : randomUUID();
}

/** Calls back when the reply has been sent whole, or the connection ended before. */
function atEnd(c: ServerContext, done: (isWhole: boolean) => void): void {
  const outgoing = c.env?.outgoing;
  if (outgoing) outgoing.once('close', () => done(outgoing.writableFinished));
  else done(true);
}

/** Fires when the connection ends before the reply does. */
function signalOf(c: ServerContext): AbortSignal {
  const outgoing = c.env?.outgoing;
  if (!outgoing) return c.req.raw.signal;
  const control = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) control.abort();
  });
  return control.signal;
}
