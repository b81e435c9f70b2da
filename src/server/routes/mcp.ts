/**
 * `/mcp`: the tools for agents over streamable HTTP. Every request stands alone, without sessions, so that any server
 * behind a balancer can answer it. Files of this machine are never read.
 */

import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { Hono } from 'hono';
import { ApiError } from '../api-error.ts';
import { imageOptions, readBody, type ServerEnv, type Services } from '../http-context.ts';
import { imageBytes } from '../image-source.ts';
import { createMcpServer } from '../mcp/create-mcp-server.ts';

export function mcpRoute(services: Services, version: string): Hono<ServerEnv> {
  const { engine, settings } = services;
  const app = new Hono<ServerEnv>();
  app.post('/mcp', async (c) => {
    const body = await readBody(c, settings.maxBodyBytes);
    const server = createMcpServer({
      ...{ engine, version, client: c.get('client'), onFailure: c.get('tell') },
      readImage: (image) => imageBytes(image, 'image', imageOptions(services)),
    });
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    c.get('signal').addEventListener('abort', () => void server.close(), { once: true });
    await server.connect(transport);
    const { method, headers } = c.req.raw;
    return transport.handleRequest(new Request(c.req.url, { method, headers, body: new Uint8Array(body) }));
  });
  app.all('/mcp', (c) => {
    c.header('allow', 'POST');
    throw new ApiError(405, `${c.req.method} /mcp: there are no sessions; send each message with POST`);
  });
  return app;
}
