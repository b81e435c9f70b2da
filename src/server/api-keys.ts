/** Keys that let a request in, compared in a time that says nothing about them. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';

/** Shorter keys can be guessed. */
const shortestKey = 16;

/**
 * Reads a file of keys: one a line; empty lines and lines that begin with `#` are passed over.
 * @throws ChatRexError 'not-found', 'invalid-file' without saying what a line holds
 */
export async function readApiKeys(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new ChatRexError('not-found', `${path} cannot be read; give a file with one key a line`, { cause });
  });
  const lines = text.split('\n').map((line) => line.trim());
  lines.forEach((line, i) => {
    if (line === '' || line.startsWith('#') || /^[\x21-\x7e]+$/.test(line)) return;
    throw new ChatRexError('invalid-file', `${path}:${i + 1}: expected a key of visible ASCII characters`);
  });
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw new ChatRexError('invalid-file', `${path} has no keys; give one a line`);
  const short = lines.findIndex((line) => keys.includes(line) && line.length < shortestKey);
  if (short < 0) return keys;
  throw new ChatRexError('invalid-file', `${path}:${short + 1}: a key has fewer than ${shortestKey} characters`);
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * @returns a function from what a request shows to the key's number, undefined when it is none; every key is compared,
 *   by digests of one length, so that neither place nor length nor beginning shows in the time
 */
export function createKeyCheck(keys: readonly string[]): (shown: string) => number | undefined {
  const digests = keys.map(digest);
  return (shown) => {
    const given = digest(shown);
    let found: number | undefined;
    digests.forEach((known, i) => {
      if (timingSafeEqual(known, given)) found = i;
    });
    return found;
  };
}

/** The key that a request shows: `Authorization: Bearer KEY`, or as Moondream's clients do it. */
export function shownKey(header: (name: string) => string | undefined): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(header('authorization') ?? '')?.[1];
  return bearer ?? header('x-moondream-auth');
}
