/**
 * The folder of a run.
 *
 *     run.json               what the run is: root of the list, fingerprint of its settings, size of a block
 *     settings.json          prompts, models and filters, for workers on other machines
 *     limits.json            limits that all machines share, of a run with a queue
 *     list.jsonl             its entries, in order; it may grow at its end
 *     blocks/000012/         entries 12 * 256 to 13 * 256 - 1
 *       collected.jsonl      what was found of each image, in order of the list
 *       calls-*.jsonl        results of model calls, one file a process
 *       progress.jsonl       how entries ended, and failed tries
 *       outcomes.jsonl       how all of them ended, in order; its presence says that the block is finished
 *     images/                downloaded images, by hash
 *     sessions.jsonl         one line for each time it was run: seconds, calls, calls that were not paid again
 *     lock                   who is working on it
 */

import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { removeLeftovers, writeAll, writeBeside } from '../files.ts';
import type { Entry, Outcome } from './annotation.ts';
import type { ListedImage } from './collect/list.ts';
import { readLines } from './journal.ts';

export interface RunFile {
  readonly format: 'rexverse/1';
  /** Names its queue. */
  readonly id: string;
  readonly root: string;
  readonly fingerprint: Readonly<Record<string, string>>;
  readonly blockSize: number;
  readonly entries: number;
  /** Share of the list: entries whose place in the source has this remainder. */
  readonly shard?: { readonly index: number; readonly of: number };
}

export const runFileName = 'run.json';
export const listFileName = 'list.jsonl';
export const outcomesFileName = 'outcomes.jsonl';

/** The run of a folder; undefined when none was begun there. */
export async function readRunFile(folder: string): Promise<RunFile | undefined> {
  const text = await readFile(join(folder, runFileName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const run = JSON.parse(text) as RunFile;
  if (run.format !== 'rexverse/1') {
    throw new ChatRexError('unsupported', `${folder} is a run of format ${run.format}; this version reads rexverse/1`);
  }
  return run;
}

/** Freezes the list and begins the run. The list is complete when run.json is there. */
export async function createRun(
  folder: string,
  images: AsyncIterable<ListedImage>,
  run: Omit<RunFile, 'format' | 'entries'>,
  limit = Number.POSITIVE_INFINITY,
): Promise<RunFile> {
  await mkdir(folder, { recursive: true });
  let entries = 0;
  await writeBeside(join(folder, listFileName), async (file) => {
    let lines: string[] = [];
    const flush = async () => {
      await writeAll(file, Buffer.from(lines.join('')));
      lines = [];
    };
    let place = 0;
    for await (const image of images) {
      if (place >= limit) break;
      const index = place++;
      if (run.shard && index % run.shard.of !== run.shard.index) continue;
      entries++;
      lines.push(`${JSON.stringify({ index, ...image })}\n`);
      if (lines.length === 1000) await flush();
    }
    await flush();
  });
  if (entries === 0) {
    await rm(join(folder, listFileName));
    throw new ChatRexError(
      'not-found',
      'the list holds no images for this run; check the folder, the list and --shard',
    );
  }
  const complete: RunFile = { format: 'rexverse/1', ...run, entries };
  await writeRunFile(folder, complete);
  return complete;
}

export async function writeRunFile(folder: string, run: RunFile): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(run, null, 2)}\n`);
  await writeBeside(join(folder, runFileName), (file) => writeAll(file, bytes));
}

/** The entries of a run, with the block of each. */
export async function* entriesOf(
  folder: string,
  { blockSize }: RunFile,
): AsyncGenerator<{ entry: Entry; block: number }> {
  let place = 0;
  for await (const { value } of readLines<Entry>(join(folder, listFileName))) {
    yield { entry: value, block: Math.floor(place++ / blockSize) };
  }
}

export function blockFolder(folder: string, block: number): string {
  return join(folder, 'blocks', String(block).padStart(6, '0'));
}

/** A line has a few kilobytes; one write for each would cost more than the line. */
const outcomesAtOnce = 256;

/** Writes how the entries of a block ended: the block is finished. */
export async function finishBlock(folder: string, block: number, outcomes: readonly Outcome[]): Promise<void> {
  const path = join(blockFolder(folder, block), outcomesFileName);
  const sorted = [...outcomes].sort((a, b) => a.index - b.index);
  await writeBeside(path, async (file) => {
    for (let at = 0; at < sorted.length; at += outcomesAtOnce) {
      const lines = sorted.slice(at, at + outcomesAtOnce).map((outcome) => `${JSON.stringify(outcome)}\n`);
      await writeAll(file, Buffer.from(lines.join('')));
    }
  });
  await rm(join(blockFolder(folder, block), 'progress.jsonl'), { force: true });
}

export async function blockNames(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'blocks')).catch(() => []);
  return names.filter((name) => /^\d{6,}$/.test(name)).sort((a, b) => Number(a) - Number(b));
}

/** The folders of the runs below a folder: itself, or its shards, in order. */
export async function runFolders(folder: string): Promise<string[]> {
  if (await readRunFile(folder)) return [folder];
  const names = await readdir(folder).catch(() => []);
  const shards = names.filter((name) => /^shard-\d+-of-\d+$/.test(name)).sort();
  const found: string[] = [];
  for (const name of shards) if (await readRunFile(join(folder, name))) found.push(join(folder, name));
  if (found.length > 0) return found;
  throw new ChatRexError(
    'not-found',
    `${folder} holds no run of the data engine; expected ${runFileName}, or shards with one`,
  );
}

export function shardName({ index, of }: { index: number; of: number }): string {
  return `shard-${String(index).padStart(5, '0')}-of-${String(of).padStart(5, '0')}`;
}

/**
 * Claims a folder for this process. A claim whose process is gone is taken over.
 * @returns gives the folder back
 * @throws ChatRexError 'invalid-argument' while another process works in it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'lock');
  const claim = JSON.stringify({ pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < 3; attempt++) {
    const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw new ChatRexError('not-found', `cannot write in ${folder} (${error.code}); check the folder and its rights`);
    });
    if (file) {
      await file.writeFile(claim);
      await file.close();
      await removeLeftovers(join(folder, runFileName));
      return () => rm(path, { force: true });
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    const { pid, host } = tryParse(holder);
    if (holder !== '' && (host !== hostname() || isRunning(pid))) {
      throw new ChatRexError(
        'invalid-argument',
        `${folder}: process ${pid} on ${host} is working in it; wait for it, or remove ${path} if it is gone`,
      );
    }
    await rm(path, { force: true });
  }
  throw new ChatRexError('runtime', `${folder}: another process keeps claiming it`);
}

function tryParse(text: string): { pid: number; host: string } {
  try {
    return JSON.parse(text);
  } catch {
    return { pid: 0, host: hostname() };
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
