/**
 * What is changed of a run that was begun or finished: failed entries are tried again, and its list grows. Everything
 * is written beside and renamed, in such an order that a run that is killed in between can be changed again.
 */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import type { Outcome } from './annotation.ts';
import { IndexTable } from './collect/index-table.ts';
import type { ImageList, ListedImage } from './collect/list.ts';
import { canonicalJson, sha256 } from './content-key.ts';
import { outcomesOfBlock } from './finished-block.ts';
import { readLines } from './journal.ts';
import { collectedFileName, collectedOf, isBlockFinished, type Progress, progressFileName } from './open-block.ts';
import {
  blockFolder,
  blockNames,
  entriesOf,
  listFileName,
  outcomesFileName,
  type RunFile,
  writeRunFile,
} from './run-folder.ts';

/**
 * Forgets how failed entries ended, so that the run tries them again, with all of their tries.
 * @returns how many there were
 */
export async function forgetFailed(folder: string): Promise<number> {
  let count = 0;
  for (const name of await blockNames(folder)) {
    const failed = new Set<number>();
    for (const { state, index } of await outcomesSoFar(folder, Number(name))) if (state === 'failed') failed.add(index);
    if (failed.size > 0) await reopenBlock(folder, Number(name), failed);
    count += failed.size;
  }
  return count;
}

/**
 * Appends the entries of a list that the run does not have yet; those that it has keep their places.
 * @returns the run with its new number of entries
 * @throws ChatRexError 'unsupported' for a shard: which entries are its own depends on places in the whole list
 */
export async function extendRun(folder: string, run: RunFile, { images }: ImageList): Promise<RunFile> {
  if (run.shard) {
    throw new ChatRexError('unsupported', `${folder} is a shard, which cannot grow: give the new images another --out`);
  }
  const known = new IndexTable();
  const keyOf = ({ name, file, url, caption, turns }: ListedImage) =>
    BigInt(`0x${sha256(canonicalJson({ name, file, url, caption, turns })).slice(0, 15)}`) + 1n;
  let entries = 0;
  const path = join(folder, listFileName);
  await writeBeside(path, async (file) => {
    let lines: string[] = [];
    const write = async (image: ListedImage) => {
      known.set(keyOf(image), entries);
      lines.push(`${JSON.stringify({ index: entries++, ...image })}\n`);
      if (lines.length < 1000) return;
      await writeAll(file, Buffer.from(lines.join('')));
      lines = [];
    };
    for await (const { entry } of entriesOf(folder, run)) {
      const { index: _, ...image } = entry;
      await write(image);
    }
    for await (const image of images) if (known.get(keyOf(image)) === undefined) await write(image);
    await writeAll(file, Buffer.from(lines.join('')));
  });
  if (entries > run.entries && run.entries % run.blockSize > 0) {
    await reopenBlock(folder, Math.floor(run.entries / run.blockSize), new Set());
  }
  const extended = { ...run, entries };
  await writeRunFile(folder, extended);
  return extended;
}

/** Makes a block one that is worked on, and forgets how some of its entries ended. */
async function reopenBlock(folder: string, block: number, forgotten: ReadonlySet<number>): Promise<void> {
  const place = blockFolder(folder, block);
  const outcomes = await outcomesSoFar(folder, block);
  const tries: Progress[] = [];
  for await (const { value } of readLines<Progress>(join(place, progressFileName))) {
    if (!('outcome' in value) && !forgotten.has(value.index)) tries.push(value);
  }
  const collected = [];
  for await (const one of collectedOf(folder, block)) {
    // Whoever failed later than at this stage is still worth annotating.
    if (!forgotten.has(one.index) || one.item) collected.push(one);
  }
  const ended = outcomes.filter(({ index }) => !forgotten.has(index));
  await mkdir(place, { recursive: true });
  await writeLines(join(place, progressFileName), [...tries, ...ended.map((outcome) => ({ outcome }))]);
  await writeLines(join(place, collectedFileName), collected);
  // From here on the block is open.
  await rm(join(place, outcomesFileName), { force: true });
}

async function outcomesSoFar(folder: string, block: number): Promise<Outcome[]> {
  const outcomes = new Map<number, Outcome>();
  if (await isBlockFinished(folder, block)) {
    for await (const outcome of outcomesOfBlock(folder, block)) outcomes.set(outcome.index, outcome);
    return [...outcomes.values()];
  }
  for await (const { outcome } of collectedOf(folder, block)) if (outcome) outcomes.set(outcome.index, outcome);
  for await (const { value } of readLines<Progress>(join(blockFolder(folder, block), progressFileName))) {
    if ('outcome' in value) outcomes.set(value.outcome.index, value.outcome);
  }
  return [...outcomes.values()];
}

async function writeLines(path: string, values: readonly object[]): Promise<void> {
  const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  await writeBeside(path, (file) => writeAll(file, bytes));
}
