/**
 * Images from the web, without letting anybody reach into the network that the server runs in: https alone, public
 * addresses alone, and the address that was checked is the one that is spoken to, also after each redirect.
 */

import { lookup as systemLookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { isPublicAddress } from '../public-address.ts';
import { ApiError } from './api-error.ts';

/** Addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

export interface FetchImageOptions {
  /** For tests: another resolver, other addresses that count as public, other authorities, another port than 443. */
  readonly resolve?: Resolve;
  readonly isAllowed?: (address: string) => boolean;
  readonly ca?: string;
  readonly port?: number;
  /** For the whole of it, redirects included. */
  readonly timeoutMs?: number;
}

const maxRedirects = 3;
const defaultTimeoutMs = 10_000;
const httpsPort = 443;
const longestUrl = 4096;

/**
 * @param param where in the request the address is, for errors
 * @throws ApiError 400 saying what is wrong with the address or its answer; it never says what the network looks like
 */
export async function fetchImage(
  url: string,
  param: string,
  options: FetchImageOptions & { readonly maxBytes: number },
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  try {
    let address = parseAddress(url, options.port);
    for (let redirects = 0; ; redirects++) {
      const response = await get(address, signal, options);
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        if (redirects === maxRedirects) throw new Refusal(`it redirects more than ${maxRedirects} times`);
        address = parseAddress(headers.location, options.port, address);
        continue;
      }
      if (statusCode !== 200) {
        response.destroy();
        throw new Refusal(`its server answered with status ${statusCode}, expected 200`);
      }
      return await readBytes(response, options.maxBytes);
    }
  } catch (error) {
    const isLate = signal.aborted;
    const reason = error instanceof Refusal ? error.message : isLate ? 'it took too long' : 'it cannot be reached';
    throw new ApiError(400, `${param}: the image cannot be fetched: ${reason}`, {
      param,
      code: 'invalid_image_url',
      cause: error,
    });
  }
}

/** What a client may be told. */
class Refusal extends Error {}

function parseAddress(text: string, port = httpsPort, base?: URL): URL {
  if (text.length > longestUrl) throw new Refusal(`its address has more than ${longestUrl} characters`);
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new Refusal('its address is malformed');
  }
  if (url.protocol !== 'https:') throw new Refusal(`expected an https: address, came ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw new Refusal('its address has a name or password in it');
  if (Number(url.port || httpsPort) !== port) throw new Refusal(`its address names a port; only ${port} is spoken to`);
  return url;
}

/** Resolves the name once, checks every address, and speaks to one of those. */
async function get(url: URL, signal: AbortSignal, options: FetchImageOptions): Promise<IncomingMessage> {
  const { resolve = resolveAll, isAllowed = isPublicAddress, ca } = options;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  const addresses = family === 0 ? await unlessLate(resolve(host), signal) : [{ address: host, family }];
  if (addresses.length === 0) throw new Refusal('it cannot be reached');
  // One private address among public ones is as good as a private one to whoever wants to get in.
  if (!addresses.every(({ address }) => isAllowed(address))) throw new Refusal('its address is not a public one');
  return new Promise((settle, reject) => {
    const call = request(url, {
      // A connection of its own: one kept from another request may lead elsewhere.
      agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }),
      signal,
      ca,
      lookup: (_host, lookupOptions, done) => {
        if (lookupOptions.all) done(null, addresses as { address: string; family: number }[]);
        else done(null, addresses[0].address, addresses[0].family);
      },
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'chatrex' },
      maxHeaderSize: 16_384,
    });
    call.once('response', settle);
    call.once('error', reject);
    call.end();
  });
}

async function readBytes(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new Refusal(`it has more than the ${maxBytes} bytes that are taken`);
  try {
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    const encoding = response.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new Refusal('its server compressed it, though it was asked not to');
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
    // A connection that breaks off leaves half an image.
    if (!response.complete) throw new Refusal('it broke off');
    return Buffer.concat(chunks);
  } finally {
    response.destroy();
  }
}

const resolveAll: Resolve = (host) => systemLookup(host, { all: true, verbatim: true });

/** The system's resolver cannot be cancelled, but nobody has to wait for it. */
function unlessLate<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}
