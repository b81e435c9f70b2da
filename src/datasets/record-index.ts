/**
 * Samples on disk with random access: `samples.jsonl`, one a line, and `index.bin`, where each line starts (8 bytes a
 * sample and 8 for the end). `index.json` is written last: a folder with it is complete. The folder is made under
 * another name and renamed.
 */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { readFrom, readRange } from '../file-range.ts';
import { writeAll } from '../files.ts';
import type { VocabularyEntry } from './dataset.ts';
import type { FaultSummary } from './faults.ts';
import { textLines } from './json/lines.ts';
import type { Sample } from './sample.ts';

const samplesFile = 'samples.jsonl';
const offsetsFile = 'index.bin';
const headFile = 'index.json';

/** Lines are gathered until there are this many characters. */
const writeBufferLength = 1 << 20;

export interface IndexHead {
  readonly format: string;
  readonly size: number;
  /** Hash of all samples and categories: equal data sets have equal fingerprints wherever they lie. */
  readonly fingerprint: string;
  readonly vocabulary: readonly VocabularyEntry[];
  readonly faults: FaultSummary;
  /** What the reader decided on the way. */
  readonly notes: readonly string[];
}

const headSchema = z.object({
  format: z.string(),
  size: z.int().nonnegative(),
  fingerprint: z.string(),
  vocabulary: z.array(z.custom<VocabularyEntry>()),
  faults: z.custom<FaultSummary>(),
  notes: z.array(z.string()),
  samplesBytes: z.int().nonnegative(),
  offsetsHash: z.string(),
});

/** What is known when all samples have been written. */
export type IndexEnd = Pick<IndexHead, 'format' | 'vocabulary' | 'faults' | 'notes'>;

/**
 * Writes an index to `folder`. Where another process has put a complete one there meanwhile, that one stays, unless
 * it is to be replaced.
 * @param scratch called with a folder for temporary files, which is removed afterwards
 */
export async function writeIndex(
  folder: string,
  samples: (scratch: () => Promise<string>) => AsyncIterable<Sample>,
  end: () => IndexEnd,
  { onSample, isReplacing = false }: { onSample?: (count: number) => void; isReplacing?: boolean } = {},
): Promise<void> {
  const temporary = `${folder}.${randomUUID()}.tmp`;
  await makeFolder(temporary);
  await removeStale(dirname(folder));
  try {
    let scratches = 0;
    const scratch = async () => {
      const path = join(temporary, 'scratch', String(scratches++));
      await mkdir(path, { recursive: true });
      return path;
    };
    const written = await writeSamples(temporary, samples(scratch), onSample);
    await rm(join(temporary, 'scratch'), { recursive: true, force: true });
    const { vocabulary, ...rest } = end();
    const fingerprint = written.hash.update(JSON.stringify(vocabulary)).digest('hex').slice(0, 32);
    const { size, samplesBytes, offsetsHash } = written;
    const head = { ...rest, size, fingerprint, samplesBytes, offsetsHash, vocabulary };
    await writeFile(join(temporary, headFile), JSON.stringify(head));
    await putInPlace(temporary, folder, isReplacing);
  } catch (cause) {
    throw asTyped(cause, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A process that was killed leaves its folder; one that nobody has written to for so long has no owner any more. */
const staleMs = 24 * 3600 * 1000;

async function removeStale(parent: string): Promise<void> {
  for (const name of (await readdir(parent)).filter((entry) => entry.endsWith('.tmp'))) {
    const path = join(parent, name);
    const written = await Promise.all([path, join(path, samplesFile)].map((file) => stat(file).catch(() => undefined)));
    const latest = Math.max(...written.map((stats) => stats?.mtimeMs ?? 0));
    if (latest < Date.now() - staleMs) await rm(path, { recursive: true, force: true });
  }
}

/** A full disk and the like in one line; everything else as it is. */
function asTyped(cause: unknown, folder: string): unknown {
  const { code, path = folder } = cause as NodeJS.ErrnoException;
  if (cause instanceof ChatRexError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return cause;
  const reason = code === 'ENOSPC' ? 'the disk is full' : code;
  const fix = 'make room, or choose another folder with --cache or CHATREX_CACHE';
  return new ChatRexError('runtime', `cannot write the index ${path} (${reason}): ${fix}`, { cause });
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    const problem = `cannot make the cache folder ${dirname(path)} (${cause.code})`;
    throw new ChatRexError('not-found', `${problem}: choose another with --cache FOLDER or CHATREX_CACHE`, { cause });
  });
}

async function putInPlace(temporary: string, folder: string, isReplacing: boolean): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(temporary, folder);
    } catch (cause) {
      const isTaken = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? '');
      if (!isTaken || attempt >= 10) throw cause;
      const other = isReplacing ? undefined : await openIndex(folder);
      await other?.close();
      if (other !== undefined) return;
      // Whoever reads the old one has its files open already.
      const old = `${folder}.${randomUUID()}.tmp`;
      await rename(folder, old).catch(() => {});
      await rm(old, { recursive: true, force: true });
    }
  }
}

async function writeSamples(folder: string, samples: AsyncIterable<Sample>, onSample?: (count: number) => void) {
  const file = await open(join(folder, samplesFile), 'wx');
  const hash = createHash('sha256');
  const offsets = new OffsetList();
  let position = 0;
  try {
    let pending: string[] = [];
    let pendingLength = 0;
    const flush = async () => {
      const bytes = Buffer.from(pending.join(''));
      hash.update(bytes);
      await writeAll(file, bytes);
      pending = [];
      pendingLength = 0;
    };
    for await (const sample of samples) {
      const line = `${JSON.stringify(sample)}\n`;
      offsets.push(position);
      position += Buffer.byteLength(line);
      pending.push(line);
      pendingLength += line.length;
      if (pendingLength > writeBufferLength) await flush();
      onSample?.(offsets.length);
    }
    await flush();
  } finally {
    await file.close();
  }
  offsets.push(position);
  const bytes = offsets.bytes();
  await writeFile(join(folder, offsetsFile), bytes, { flag: 'wx' });
  return { size: offsets.length - 1, samplesBytes: position, hash, offsetsHash: hashOf(bytes) };
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 32);

/** Numbers that grow without the twice of a JavaScript array. */
class OffsetList {
  #values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Float64Array(2 * this.length);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#values.buffer, 0, 8 * this.length);
  }
}

/** An index that is open for reading. */
export interface RecordIndex {
  readonly head: IndexHead;
  sample(index: number): Promise<Sample>;
  /** All samples in order. */
  samples(): AsyncGenerator<Sample>;
  close(): Promise<void>;
}

/** The index in `folder`; undefined if it is missing, was cut, or changed, so that it must be written again. */
export async function openIndex(folder: string): Promise<RecordIndex | undefined> {
  if (!existsSync(join(folder, headFile))) return undefined;
  const head = await readHead(join(folder, headFile));
  const samplesPath = join(folder, samplesFile);
  const offsetsPath = join(folder, offsetsFile);
  const sizes = await Promise.all([samplesPath, offsetsPath].map((path) => stat(path).catch(() => undefined)));
  if (head === undefined || sizes[0]?.size !== head.samplesBytes) return undefined;
  if (sizes[1]?.size !== 8 * (head.size + 1)) return undefined;
  const bytes = await readRange(offsetsPath, 0, 8 * (head.size + 1));
  if (hashOf(bytes) !== head.offsetsHash) return undefined;
  const offsets = new Float64Array(bytes.buffer);
  const file = await open(samplesPath, 'r');
  return {
    head,
    sample: async (index) => parseLine(await readFrom(file, samplesPath, offsets[index], lineLength(offsets, index))),
    async *samples() {
      for await (const lines of textLines(samplesPath)) for (const { bytes } of lines) yield parseLine(bytes);
    },
    close: () => file.close(),
  };

  function parseLine(line: Uint8Array): Sample {
    try {
      return JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()) as Sample;
    } catch (cause) {
      throw new ChatRexError('invalid-file', `${samplesPath} has changed: delete its folder, it is made again`, {
        cause,
      });
    }
  }
}

const lineLength = (offsets: Float64Array, index: number) => offsets[index + 1] - offsets[index];

async function readHead(path: string) {
  try {
    return headSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
