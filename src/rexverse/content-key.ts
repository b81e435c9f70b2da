/** Names of things by what they are made of: images, settings, model calls. */

import { createHash } from 'node:crypto';

export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** JSON with the keys of every object in order, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}

/** All that the result of a model call depends on. */
export interface CallIdentity {
  /** Hash of the image bytes. */
  readonly image: string;
  readonly prompt: string;
  readonly model: string;
  readonly revision: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Name and version of the code that reads the answer, since results are kept as read. */
  readonly parser: string;
}

/** The key under which the result of a call is kept: the first 128 bits suffice to tell the calls of one item apart. */
export function callKey(identity: CallIdentity): string {
  return sha256(canonicalJson(identity)).slice(0, 32);
}
