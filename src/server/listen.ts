/** A socket for the application: connections bounded in number, time and size, and a graceful end. */

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { ChatRexError } from '../errors.ts';
import type { ServerEnv } from './http-context.ts';
import type { ListenSettings } from './settings.ts';

const maxHeaderBytes = 16_384;
/** How often connections are looked at. */
const checkIntervalMs = 1_000;

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no more connections; resolves when the last has ended. */
  close(): Promise<void>;
  /** Ends all connections. */
  cutOff(): void;
}

/** @throws ChatRexError 'invalid-argument' when the address cannot be had */
export async function listen(app: Hono<ServerEnv>, settings: ListenSettings): Promise<Listening> {
  const { host, port, headersTimeoutMs, requestTimeoutMs, keepAliveMs, maxConnections } = settings;
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const responses = new Set<ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkIntervalMs,
    },
    (request, response) => {
      responses.add(response);
      response.once('close', () => responses.delete(response));
      listener(request, response);
    },
  );
  server.maxConnections = maxConnections;
  server.on('clientError', refuseMalformed);
  await bind(server, host, port);
  const timer = setInterval(() => cutSlowReaders(responses, settings), checkIntervalMs);
  timer.unref();
  const bound = (server.address() as AddressInfo).port;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          clearInterval(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
    cutOff: () => server.closeAllConnections(),
  };
}

/** What is no HTTP, too long or too late gets an answer in the form of all others. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (socket.destroyed || !socket.writable) return;
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `the headers have more than ${maxHeaderBytes} bytes`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request took too long to come']
        : ['400 Bad Request', 'the request is not HTTP/1.1'];
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } });
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'is taken; give another --port' : `cannot be had (${cause.code})`;
      reject(new ChatRexError('invalid-argument', `${host}:${port} ${reason}`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

interface Unread {
  since: number;
  bytes: number;
}

const unread = new WeakMap<Socket, Unread>();

/** Ends connections whose client does not take what was written for it. */
function cutSlowReaders(
  responses: ReadonlySet<ServerResponse>,
  { readTimeoutMs, slowestBytesPerSecond }: ListenSettings,
): void {
  const now = Date.now();
  for (const { socket } of responses) {
    if (!socket) continue;
    const bytes = socket.writableLength;
    const before = unread.get(socket);
    if (bytes === 0) unread.delete(socket);
    else if (!before) unread.set(socket, { since: now, bytes });
    // A large piece counts as unread until its last byte is taken.
    else if (now - before.since > readTimeoutMs + (before.bytes / slowestBytesPerSecond) * 1000) socket.destroy();
  }
}
