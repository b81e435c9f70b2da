/**
 * Rows on disk: one JSON line each, appended as answers come. A killed writer leaves at most one cut line at the end,
 * which is noticed and removed before the next row is written.
 */

import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { naming, writeAll } from '../files.ts';
import { latestRows, type Row } from './row.ts';

/** Where rows go as they come: to a file, or for a run without a folder to memory. */
export interface RowStore<Truth, Answer> {
  /** Rows of earlier runs, of all shards. */
  readonly known: readonly Row<Truth, Answer>[];
  append(row: Row<Truth, Answer>): Promise<void>;
  close(): Promise<void>;
}

/** Samples whose index leaves the remainder `index` when divided by `of`. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly of: number;
}

export const wholeShard: Shard = { index: 0, of: 1 };

/** The longest line: an answer of 10 MB and its truth are well below. */
const maxLineBytes = 64 * 2 ** 20;
const newline = 0x0a;

const isRowsFile = (name: string): boolean => /^rows(-\d+-of-\d+)?\.jsonl$/.test(name);

const fileOf = ({ index, of }: Shard): string => (of === 1 ? 'rows.jsonl' : `rows-${index}-of-${of}.jsonl`);

/** Keeps rows in memory. */
export function memoryRows<Truth, Answer>(): RowStore<Truth, Answer> {
  return { known: [], append: async () => {}, close: async () => {} };
}

/**
 * Opens the rows of a shard for appending, with those of all shards of the folder as known.
 * @param onCut told of a last line that was cut off and is removed
 * @throws ChatRexError 'invalid-file' for a line that is no row; 'invalid-argument' while another process writes the
 *   file
 */
export async function openRows<Truth, Answer>(
  folder: string,
  shard: Shard,
  onCut: (file: string) => void = () => {},
): Promise<RowStore<Truth, Answer>> {
  const path = join(folder, fileOf(shard));
  const unlock = await lock(`${path}.lock`);
  let file: FileHandle | undefined;
  try {
    const known = await readRows<Truth, Answer>(folder);
    file = await open(path, 'a+');
    const { size } = await file.stat();
    const whole = await wholeLength(file, size);
    if (whole < size) {
      await file.truncate(whole);
      onCut(path);
    }
    return rowsInto(file, path, known, unlock);
  } catch (error) {
    await file?.close();
    await unlock();
    throw error;
  }
}

function rowsInto<Truth, Answer>(
  file: FileHandle,
  path: string,
  known: readonly Row<Truth, Answer>[],
  unlock: () => Promise<void>,
): RowStore<Truth, Answer> {
  let last: Promise<void> = Promise.resolve();
  return {
    known,
    // One after the other: answers of several questions may come at once.
    append: (row) => {
      last = last.then(() => naming(path, () => writeAll(file, Buffer.from(`${JSON.stringify(row)}\n`))));
      return last;
    },
    close: async () => {
      try {
        await last;
        await file.sync();
      } finally {
        await file.close();
        await unlock();
      }
    },
  };
}

/** Length of the file up to its last complete line. */
async function wholeLength(file: FileHandle, size: number): Promise<number> {
  const bytes = Buffer.alloc(1 << 16);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - bytes.length);
    const { bytesRead } = await file.read(bytes, 0, end - start, start);
    const at = bytes.subarray(0, bytesRead).lastIndexOf(newline);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

/**
 * The rows of all shards in a folder, one per question, in the order of the data; a cut last line is left out.
 * @throws ChatRexError 'not-found' for a folder that does not exist, 'invalid-file' for a line that is no row
 * @example const failed = (await readRows('runs/coco')).filter((row) => 'fault' in row);
 */
export async function readRows<Truth, Answer>(folder: string): Promise<Row<Truth, Answer>[]> {
  const names = await readdir(folder).catch((cause) => {
    throw new ChatRexError('not-found', `${folder}: expected the folder of an evaluation, found none`, { cause });
  });
  const rows: Row<Truth, Answer>[] = [];
  for (const name of names.filter(isRowsFile).sort()) {
    for await (const row of rowsOf<Truth, Answer>(join(folder, name))) rows.push(row);
  }
  return latestRows(rows);
}

async function* rowsOf<Truth, Answer>(path: string): AsyncGenerator<Row<Truth, Answer>> {
  let number = 0;
  for await (const line of completeLines(path)) {
    number++;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      const advice = 'remove the line, its question is asked again';
      throw new ChatRexError('invalid-file', `${path}: line ${number} is not JSON: ${advice}`, { cause });
    }
    if (!isRow(row)) {
      const wanted = 'sample, index, question, place and an answer or a fault';
      throw new ChatRexError('invalid-file', `${path}: line ${number}: expected a row with ${wanted}`);
    }
    yield row as Row<Truth, Answer>;
  }
}

function isRow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { sample, index, question, place, fault } = value as Record<string, unknown>;
  const hasKey = typeof sample === 'string' && typeof question === 'string';
  const isPlaced = Number.isInteger(index) && Number.isInteger(place);
  return hasKey && isPlaced && ('answer' in value || (typeof fault === 'object' && fault !== null));
}

/** Lines that end in a newline. @throws ChatRexError 'limit-exceeded' for a line that has no end */
async function* completeLines(path: string): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      yield Buffer.concat([...pending, chunk.subarray(from, at)]).toString('utf8');
      pending = [];
      pendingBytes = 0;
      from = at + 1;
    }
    pending.push(chunk.subarray(from));
    pendingBytes += chunk.length - from;
    if (pendingBytes > maxLineBytes) {
      throw new ChatRexError(
        'limit-exceeded',
        `${path}: a line is longer than ${maxLineBytes} bytes: not a file of rows`,
      );
    }
  }
}

/** Lets one process write a file at a time; what a killed process left is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  const own = `${process.pid} ${hostname()}\n`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error);
    }
    const [pid, host] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
    if (pid !== undefined && host !== undefined && (host !== hostname() || isAlive(Number(pid)))) {
      throw new ChatRexError(
        'invalid-argument',
        `process ${pid} on ${host} is writing these rows; wait for it, or remove ${path} if it has ended`,
      );
    }
    await rm(path, { force: true });
  }
  throw new ChatRexError(
    'invalid-argument',
    `${path}: another process took the rows at the same moment; run one alone`,
  );
}

function cannotWrite(path: string, cause: unknown): ChatRexError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new ChatRexError('not-found', `cannot write ${path} (${code}): make its folder and check its rights`, {
    cause,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
