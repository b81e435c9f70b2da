/**
 * The studio's page at `/`, as `npm run build` left it in the package. It asks for a key itself where one is needed.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import type { ServerEnv } from '../http-context.ts';

/** The same in sources as when installed. */
export const studioFolder = fileURLToPath(new URL('../../../dist/studio/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
};

/** The page talks to its own server alone, and no other page may frame it. */
const policy =
  "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

interface StudioFile {
  readonly path: string;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

/** Reads the page once: a few small files. Without a build, `/` says how to make one. */
export function studioRoutes(folder = studioFolder): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const files = readStudio(folder);
  if (files.length === 0) {
    return app.get('/', (c) =>
      c.text('The studio is not built here; npm run build makes it. GET /openapi.json lists the routes.\n'),
    );
  }
  for (const { path, bytes, type, etag } of files) {
    app.get(path, (c) => {
      c.header('etag', etag);
      c.header('cache-control', 'no-cache');
      c.header('content-security-policy', policy);
      c.header('referrer-policy', 'no-referrer');
      if (c.req.header('if-none-match') === etag) return c.body(null, 304);
      return c.body(bytes, 200, { 'content-type': type });
    });
  }
  return app;
}

function readStudio(folder: string): StudioFile[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names.flatMap((name): StudioFile[] => {
    const file = join(folder, name);
    const type = types[extname(name)];
    if (type === undefined || !statSync(file).isFile()) return [];
    const bytes = readFileSync(file);
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    const path = name === 'index.html' ? '/' : `/${name.replaceAll('\\', '/')}`;
    return [{ path, bytes, type, etag }];
  });
}
