/** The bytes of an image that a request names: in a `data:` URL, or at an `https:` address. Files are never opened. */

import { ApiError } from './api-error.ts';
import { type FetchImageOptions, fetchImage } from './fetch-image.ts';
import { sizeText } from './settings.ts';
import { yieldTurn } from './yield-turn.ts';

export interface ImageSourceOptions extends FetchImageOptions {
  readonly maxBytes: number;
}

/**
 * @param param where in the request the address is, for errors
 * @throws ApiError 400
 */
export async function imageBytes(url: string, param: string, options: ImageSourceOptions): Promise<Uint8Array> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.slice(0, 32))?.[1].toLowerCase();
  if (scheme === 'data') {
    await yieldTurn(url.length);
    return dataBytes(url, param, options.maxBytes);
  }
  if (scheme === 'https') return fetchImage(url, param, options);
  const came = scheme === undefined ? 'something else' : `${scheme}:`;
  throw refused(`expected an https: address or data:image/...;base64,..., came ${came}`, param);
}

/** @throws ApiError 400 */
export function dataBytes(url: string, param: string, maxBytes: number): Uint8Array {
  const comma = url.indexOf(',');
  const head = url.slice(5, Math.max(5, Math.min(comma, 200)));
  if (comma < 0 || !/^(image\/[\w.+-]+|application\/octet-stream)?(;[\w=.+-]+)*;base64$/i.test(head)) {
    throw refused('expected data:image/...;base64,..., came another data: URL', param);
  }
  const length = url.length - comma - 1;
  const padding = url.endsWith('==') ? 2 : url.endsWith('=') ? 1 : 0;
  const expected = Math.floor(((length - padding) * 3) / 4);
  requireSize(expected, param, maxBytes);
  const bytes = Buffer.from(url.slice(comma + 1), 'base64');
  // The decoder passes over what is not of the alphabet.
  if (bytes.length !== expected) throw refused('the base64 text has characters that are not of base64', param);
  if (bytes.length === 0) throw refused('the image has no bytes', param);
  return bytes;
}

/** @throws ApiError 400 */
export function requireSize(sizeBytes: number, param: string, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  throw refused(
    `the image has more than the ${sizeText(maxBytes)} that are taken (chatrex serve --max-body); shrink it`,
    param,
  );
}

const refused = (message: string, param: string) =>
  new ApiError(400, `${param}: ${message}`, { param, code: 'invalid_image' });
