/** Who may ask: keys, host names, origins, and the name that each client goes by. */

import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { ApiError } from './api-error.ts';
import { createKeyCheck, shownKey } from './api-keys.ts';
import type { ServerContext, ServerEnv } from './http-context.ts';
import type { HttpSettings } from './settings.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that name another host than this server's: a page on the web whose name leads to this machine's own
 * address is refused by the name. @throws ApiError 403
 */
export function hostGuard({ allowedHosts }: HttpSettings): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    if (allowedHosts) {
      const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase();
      if (![...loopbackNames, ...allowedHosts].includes(host)) {
        throw new ApiError(403, `host '${host}' is not served; --allow-host ${host || 'NAME'} lets it in`);
      }
    }
    await next();
  };
}

/** Keys, where there are any; sets the client's name. @throws ApiError 401 */
export function keyGuard({ apiKeys, isBehindProxy }: HttpSettings): MiddlewareHandler<ServerEnv> {
  const check = createKeyCheck(apiKeys);
  return async (c, next) => {
    if (apiKeys.length === 0) c.set('client', addressOf(c, isBehindProxy));
    else {
      const shown = shownKey((name) => c.req.header(name));
      const key = shown === undefined ? undefined : check(shown);
      if (key === undefined) {
        c.header('www-authenticate', 'Bearer');
        const came = shown === undefined ? 'none came' : 'another came';
        throw new ApiError(401, `expected Authorization: Bearer KEY with a key of this server; ${came}`, {
          code: 'invalid_api_key',
        });
      }
      c.set('client', `key ${key}`);
    }
    await next();
  };
}

/** Pages of other origins are let in where they are named, and nowhere else. */
export function corsGuard({ corsOrigins }: HttpSettings): MiddlewareHandler<ServerEnv> {
  return cors({
    origin: (origin) => (corsOrigins.includes('*') ? '*' : corsOrigins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    exposeHeaders: ['x-request-id', 'retry-after', 'mcp-session-id'],
    maxAge: 600,
  });
}

/** The last address of X-Forwarded-For is the one that our own proxy saw; those before it anybody can make up. */
function addressOf(c: ServerContext, isBehindProxy: boolean): string {
  const forwarded = isBehindProxy ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined;
  return forwarded || c.env?.incoming?.socket.remoteAddress || 'unknown';
}
