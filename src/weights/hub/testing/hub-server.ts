/** A server on this machine that speaks the Hub's protocol, and fails in the ways that networks do. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What goes wrong with one request for a file. */
export type Fault =
  | { readonly status: number }
  /** The connection ends in the middle. */
  | 'cut'
  /** A byte is another. */
  | 'wrong'
  /** Nothing comes for a while. */
  | { readonly delayMs: number }
  /** Nothing ever comes. */
  | 'silence'
  /** A range is asked for and the whole file comes. */
  | 'whole';

interface ServedFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly isLarge: boolean;
  readonly etag: string;
}

export interface HubServer {
  /** For `HF_ENDPOINT`. */
  readonly endpoint: string;
  /** Every request: method, path and what it asked for. */
  readonly requests: { method: string; path: string; range?: string; authorization?: string }[];
  /** Faults of the next requests for a file, one each. */
  readonly faults: Map<string, Fault[]>;
  /** With a token, everything else gets 401. */
  token: string | undefined;
  close(): Promise<void>;
}

/** Entries on a page of the listing: few, so that there are pages. */
const pageSize = 5;

/**
 * @param folder is served as the repository `name`; its safetensors as large files, behind a redirect to another origin
 */
export async function startHubServer(name: string, folder: string, commit: string): Promise<HubServer> {
  const files = await Promise.all(
    (await readdir(folder)).sort().map(async (path): Promise<ServedFile> => {
      const bytes = await readFile(join(folder, path));
      const isLarge = path.endsWith('.safetensors');
      const hash = isLarge ? createHash('sha256') : createHash('sha1').update(`blob ${bytes.length}\0`);
      return { path, bytes, isLarge, etag: hash.update(bytes).digest('hex') };
    }),
  );
  const state: HubServer = {
    endpoint: '',
    requests: [],
    faults: new Map(),
    token: undefined,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://hub');
    const { range, authorization } = request.headers;
    state.requests.push({ method: request.method ?? '', path: url.pathname, range, authorization });
    const isCdn = url.pathname.startsWith('/cdn/');
    if (!isCdn && state.token !== undefined && authorization !== `Bearer ${state.token}`) {
      return sendJson(response, 401, { error: 'Invalid credentials' });
    }
    const route = isCdn ? url.pathname.slice('/cdn/'.length) : undefined;
    if (route !== undefined) return sendFile(state, fileOf(files, route), request, response);
    if (url.pathname === `/api/models/${name}/revision/main`) {
      return sendJson(response, 200, { _id: '1', id: name, sha: commit, lastModified: '2026-01-01T00:00:00Z' });
    }
    if (url.pathname === `/api/models/${name}/tree/${commit}`) return sendTree(files, url, response);
    const prefix = `/${name}/resolve/${commit}/`;
    const file = url.pathname.startsWith(prefix) ? fileOf(files, url.pathname.slice(prefix.length)) : undefined;
    if (!file) return sendJson(response, 404, { error: 'Repository not found' });
    if (!file.isLarge) return sendFile(state, file, request, response);
    // Another origin, as the Hub's content network is one: the token must not go there.
    const { port } = server.address() as AddressInfo;
    response.writeHead(302, {
      location: `http://localhost:${port}/cdn/${file.path}`,
      'x-linked-etag': `"${file.etag}"`,
      'x-linked-size': file.bytes.length,
    });
    return response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return Object.assign(state, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

const fileOf = (files: readonly ServedFile[], path: string): ServedFile | undefined =>
  files.find((file) => file.path === decodeURIComponent(path));

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendTree(files: readonly ServedFile[], url: URL, response: ServerResponse): void {
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const page = files.slice(start, start + pageSize).map(({ path, bytes, isLarge, etag }) => ({
    ...{ type: 'file', path, size: bytes.length, oid: isLarge ? 'f'.repeat(40) : etag },
    ...(isLarge && { lfs: { oid: etag, size: bytes.length, pointerSize: 134 } }),
  }));
  if (start + pageSize < files.length) {
    url.searchParams.set('cursor', String(start + pageSize));
    const { host } = response.req.headers;
    response.setHeader('link', `<http://${host}${url.pathname}${url.search}>; rel="next"`);
  }
  sendJson(response, 200, page);
}

function sendFile(
  { faults }: HubServer,
  file: ServedFile | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (!file) {
    sendJson(response, 404, { error: 'Entry not found' });
    return;
  }
  const fault = faults.get(file.path)?.shift();
  if (typeof fault === 'object' && 'status' in fault) {
    response.writeHead(fault.status, { 'retry-after': '0' }).end();
    return;
  }
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const start = asked && fault !== 'whole' ? Number(asked[1]) : 0;
  const size = file.bytes.length;
  if (start >= size && size > 0) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  let body = Buffer.from(file.bytes.subarray(start));
  if (fault === 'wrong') body = Buffer.from(body.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
  const range = start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {};
  const send = () => {
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length, etag: `"${file.etag}"`, ...range });
    // Late enough that what was written has come.
    if (fault === 'cut')
      response.write(body.subarray(0, body.length >> 1), () => setTimeout(() => response.destroy(), 50));
    else response.end(body);
  };
  if (typeof fault === 'object') setTimeout(send, fault.delayMs);
  else if (fault !== 'silence') send();
}
