/** One file from an address onto the disk: continued where it was cut, and checked when it is whole. */

import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { streamRange } from '../../file-range.ts';
import { writeAll } from '../../files.ts';
import type { Fetch } from './environment.ts';
import { abortedError, isPassing, type Patience, refusal, unreachable, waitBefore } from './requests.ts';

export interface Transfer {
  readonly url: string;
  /** The file to make; until it is whole and right it is `PATH.incomplete`. */
  readonly path: string;
  /** Bytes that it must have; what the server says where that is not known. */
  readonly size?: number;
  /** SHA-256 of a large file (64 digits), or git's SHA-1 of a small one (40). */
  readonly etag?: string;
  readonly fetch: Fetch;
  readonly patience: Patience;
  readonly signal?: AbortSignal;
  /** Hears how many bytes of the file are there. */
  readonly onBytes?: (bytes: number) => void;
}

/** @throws ChatRexError 'invalid-file' when what comes is not what was announced; 'runtime', 'not-found', 'aborted' */
export async function transferFile(transfer: Transfer): Promise<void> {
  const { path, etag } = transfer;
  const incomplete = `${path}.incomplete`;
  await mkdir(dirname(path), { recursive: true });
  for (let isSecond = false; ; isSecond = true) {
    const size = await receive(transfer, incomplete);
    const found = etag === undefined ? undefined : await digestOf(incomplete, size, etag.length);
    if (found === etag) break;
    await rm(incomplete);
    if (!isSecond) continue;
    const message = `${transfer.url} came with the hash ${found}, expected ${etag}, twice`;
    throw new ChatRexError('invalid-file', `${message}: a proxy or the server damages it; try another network`);
  }
  await rename(incomplete, path);
}

/** Fetches until the file is whole. @returns its size */
async function receive(transfer: Transfer, incomplete: string): Promise<number> {
  const { url, patience, signal } = transfer;
  let failures = 0;
  for (;;) {
    const before = await sizeOf(incomplete);
    if (transfer.size !== undefined && before === transfer.size) return before;
    let response: Response | undefined;
    try {
      const { size, answer } = await receiveOnce(transfer, incomplete, before);
      response = answer;
      if (size !== undefined) return size;
    } catch (cause) {
      if (cause instanceof ChatRexError) throw cause;
      if (signal?.aborted) throw abortedError(cause);
      if (isOfDisk(cause)) throw cause;
      if (failures + 1 >= patience.attempts) throw unreachable(url, cause);
    }
    failures = (await sizeOf(incomplete)) > before ? 0 : failures + 1;
    if (failures >= patience.attempts) throw refusal(response?.status ?? 503, url);
    await waitBefore(failures, patience, signal, response);
  }
}

/** One request. @returns the size when the file is whole; the answer when the server was busy */
async function receiveOnce(
  { url, size: expected, fetch, patience, signal, onBytes }: Transfer,
  incomplete: string,
  before: number,
): Promise<{ size?: number; answer?: Response }> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), patience.silenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), patience.silenceMs);
  };
  try {
    const signals = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const headers: Record<string, string> = before > 0 ? { range: `bytes=${before}-` } : {};
    const answer = await fetch(url, { headers: { 'accept-encoding': 'identity', ...headers }, signal: signals });
    if (isPassing(answer.status)) {
      await answer.body?.cancel();
      return { answer };
    }
    if (answer.status === 416) {
      // What is there is longer than the file: it is another file's.
      await answer.body?.cancel();
      await rm(incomplete, { force: true });
      return {};
    }
    if (!answer.ok) throw refusal(answer.status, url);
    const isContinued = answer.status === 206 && answer.headers.get('content-range')?.startsWith(`bytes ${before}-`);
    const start = isContinued ? before : 0;
    const announced = Number(answer.headers.get('content-length') ?? Number.NaN);
    const total = expected ?? (Number.isFinite(announced) ? start + announced : undefined);
    const file = await open(incomplete, start > 0 ? 'a' : 'w');
    let done = start;
    try {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        heard();
        done += chunk.byteLength;
        if (total !== undefined && done > total) break;
        await writeAll(file, chunk);
        onBytes?.(done);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (total === undefined || done === total) return { size: done };
    if (done < total) return {};
    await rm(incomplete, { force: true });
    throw new ChatRexError(
      'invalid-file',
      `${url} sends more than the ${total} bytes that it has; run the command again`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** As the Hub names contents. */
async function digestOf(path: string, size: number, digits: number): Promise<string> {
  const hash = createHash(digits === 64 ? 'sha256' : 'sha1');
  if (digits === 40) hash.update(`blob ${size}\0`);
  for await (const chunk of streamRange(path, 0, size)) hash.update(chunk);
  return hash.digest('hex');
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** A full disk gets no fuller by waiting. */
const isOfDisk = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && /^(write|open|fsync|ftruncate|mkdir)$/.test(String(error.syscall));
