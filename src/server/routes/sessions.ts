/**
 * Sessions of the studio by link: `POST /v1/chatrex/sessions` begins one and announces its images, `PUT
 * .../ID/images/0` and so on bring them, `GET` gives everything back.
 */

import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { readBody, readJson, type ServerContext, type ServerEnv, type Services } from '../http-context.ts';
import { keptImageSchema } from '../sessions/session-place.ts';

const maxImages = 500;

export const sessionBody = z.object({
  images: z.array(keptImageSchema).max(maxImages),
  state: z.unknown().meta({ description: 'Everything but the images; the server does not look into it.' }),
});

export function sessionRoutes({ sessions, settings }: Services): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  app.post('/chatrex/sessions', async (c) => {
    const { images, state } = await readJson(c, sessionBody, settings.maxBodyBytes);
    const { id, expiresAt } = await sessions.create(images, JSON.stringify(state ?? null));
    return c.json({ id, expires_at: isoTime(expiresAt) }, 201);
  });
  app.put('/chatrex/sessions/:id/images/:index{\\d+}', async (c) => {
    requireImageType(c);
    const bytes = await readBody(c, settings.maxImageBytes);
    const { id, index } = c.req.param();
    return c.json({ is_whole: await sessions.addImage(id, Number(index), bytes) });
  });
  app.get('/chatrex/sessions/:id', async (c) => {
    const { session, expiresAt, state } = await sessions.open(c.req.param('id'));
    const { id, createdAt, images } = session;
    const head = { id, created_at: isoTime(createdAt), expires_at: isoTime(expiresAt), images };
    c.header('cache-control', 'no-store');
    // The state is JSON as it came.
    return c.body(`${JSON.stringify(head).slice(0, -1)},"state":${state}}`, 200, {
      'content-type': 'application/json',
    });
  });
  app.get('/chatrex/sessions/:id/images/:index{\\d+}', async (c) => {
    const { id, index } = c.req.param();
    const { bytes, type } = await sessions.image(id, Number(index));
    // Opened by itself, an image must not act as a page of this server.
    c.header('content-security-policy', "default-src 'none'; sandbox");
    c.header('content-disposition', 'attachment');
    c.header('cache-control', 'no-store');
    return c.body(new Uint8Array(bytes), 200, { 'content-type': type });
  });
  app.delete('/chatrex/sessions/:id', async (c) => {
    await sessions.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  return app;
}

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** As for JSON: browsers send such a type to other sites only when those allow it. */
function requireImageType(c: ServerContext): void {
  const type = c.req.header('content-type') ?? 'none';
  if (!type.toLowerCase().startsWith('image/')) {
    throw new ApiError(415, `expected the header Content-Type: image/..., came ${type}`);
  }
}
