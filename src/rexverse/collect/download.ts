/**
 * Fetches images by URL: bounded in bytes, time and redirects, never from private networks unless allowed, and not from
 * servers that ask not to be used for training (X-Robots-Tag: noai, noimageai; TDM-Reservation: 1).
 */

import { lookup as dnsLookup } from 'node:dns';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { get as httpGet, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { writeAll, writeBeside } from '../../files.ts';
import { isPublicAddress } from '../../public-address.ts';
import { sha256 } from '../content-key.ts';
import { CallError } from '../models/errors.ts';
import type { DownloadSettings } from '../work/messages.ts';

export type Fetched =
  /** `file` is relative to the run's folder. */
  { readonly file: string; readonly bytes: Uint8Array } | { readonly reason: string };

const maxRedirects = 5;
const imagesFolder = 'images';

/**
 * The image of a URL, from the run's folder when it was fetched before.
 * @returns a reason when it is left out on purpose
 * @throws CallError 'unavailable' or 'timeout' when another try may help; ChatRexError when it does not
 */
export async function downloadImage(
  url: string,
  folder: string,
  settings: DownloadSettings,
  signal: AbortSignal,
): Promise<Fetched> {
  // By URL, so that an interrupted run does not fetch it again; a server may have changed it since.
  const name = sha256(url).slice(0, 32);
  const place = join(folder, imagesFolder, name.slice(0, 2));
  const known = (await readdir(place).catch(() => [] as string[])).find((file) => file === name);
  const file = `${imagesFolder}/${name.slice(0, 2)}/${name}`;
  if (known) return { file, bytes: await readFile(join(folder, file)) };
  const fetched = await fetchBytes(url, settings, signal);
  if ('reason' in fetched) return fetched;
  await mkdir(place, { recursive: true });
  await writeBeside(join(folder, file), (handle) => writeAll(handle, fetched.bytes));
  return { file, bytes: fetched.bytes };
}

async function fetchBytes(
  url: string,
  settings: DownloadSettings,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array } | { reason: string }> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]);
  let at = url;
  try {
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const response = await open(at, settings, deadline);
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        at = new URL(headers.location, at).href;
        continue;
      }
      if (statusCode !== 200) {
        response.destroy();
        throw statusError(statusCode, at);
      }
      if (!settings.ignoresOptOut && isOptedOut(headers)) {
        response.destroy();
        return { reason: 'opted out' };
      }
      return { bytes: await readBody(response, settings.maxBytes) };
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted)
      throw new CallError('timeout', `${at}: no complete answer within ${settings.timeoutMs / 1000} s`);
    throw error;
  }
  throw new ChatRexError('invalid-argument', `${url}: more than ${maxRedirects} redirects`);
}

function statusError(status: number, url: string): Error {
  const message = `${url} answered ${status}`;
  if (status === 429 || status >= 500) return new CallError('unavailable', message);
  return new ChatRexError('not-found', message);
}

/** Asks for an answer; the body is not read yet. */
function open(url: string, { isPrivateAllowed }: DownloadSettings, signal: AbortSignal): Promise<IncomingMessage> {
  const parsed = parseUrl(url);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (!isPrivateAllowed && isIP(host) !== 0 && !isPublicAddress(host)) throw privateError(url);
  const lookup: LookupFunction = (name, options, callback) => {
    dnsLookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const usable = isPrivateAllowed ? addresses : addresses.filter(({ address }) => isPublicAddress(address));
      if (usable.length === 0) return callback(privateError(url), '', 0);
      if (options.all) return callback(null, usable);
      callback(null, usable[0].address, usable[0].family);
    });
  };
  return new Promise((resolve, reject) => {
    const get = parsed.protocol === 'https:' ? httpsGet : httpGet;
    const headers = { 'user-agent': 'chatrex-rexverse/1 (+image-text data engine)', accept: 'image/*' };
    get(parsed, { lookup, signal, headers }, resolve).on('error', (cause) => {
      reject(
        cause instanceof ChatRexError ? cause : new CallError('unavailable', `${url}: ${cause.message}`, { cause }),
      );
    });
  });
}

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw new ChatRexError('invalid-argument', `"${url.slice(0, 200)}" is not an http or https address`);
}

function privateError(url: string): ChatRexError {
  return new ChatRexError('invalid-argument', `${url} is in a private network; --allow-private fetches from there too`);
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new ChatRexError('limit-exceeded', `the image is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    throw new CallError('unavailable', 'the image was cut off', { cause });
  }
  return Buffer.concat(chunks);
}

/** Whether a server asks that the image is not used for training. */
export function isOptedOut(headers: IncomingHttpHeaders): boolean {
  const robots = [headers['x-robots-tag'] ?? []].flat().join(',').toLowerCase();
  // "otherbot: noai" speaks to another bot; a directive without a name speaks to all.
  const directives = robots.split(',').map((part) => part.trim());
  return directives.some((part) => /^(?:noai|noimageai)$/.test(part)) || headers['tdm-reservation'] === '1';
}
