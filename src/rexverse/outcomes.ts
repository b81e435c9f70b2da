/** How the entries of a run ended, also while it is not finished. */

import { join } from 'node:path';
import type { Outcome } from './annotation.ts';
import { readLines } from './journal.ts';
import { collectedOf, isBlockFinished, type Progress, progressFileName } from './open-block.ts';
import { blockFolder, blockNames, outcomesFileName, runFolders } from './run-folder.ts';

/** In the order of the list; entries that have not ended are left out. One run folder. */
export async function* outcomesOfRun(folder: string): AsyncGenerator<Outcome> {
  for (const name of await blockNames(folder)) {
    const block = Number(name);
    if (await isBlockFinished(folder, block)) {
      for await (const { value } of readLines<Outcome>(join(blockFolder(folder, block), outcomesFileName))) yield value;
    } else yield* await outcomesOfOpenBlock(folder, block);
  }
}

async function outcomesOfOpenBlock(folder: string, block: number): Promise<Outcome[]> {
  const outcomes = new Map<number, Outcome>();
  for await (const { outcome } of collectedOf(folder, block)) if (outcome) outcomes.set(outcome.index, outcome);
  for await (const { value } of readLines<Progress>(join(blockFolder(folder, block), progressFileName))) {
    if ('outcome' in value) outcomes.set(value.outcome.index, value.outcome);
  }
  return [...outcomes.values()].sort((a, b) => a.index - b.index);
}

export interface LocatedOutcome {
  readonly outcome: Outcome;
  /** The run folder that it comes from. */
  readonly folder: string;
}

/** Of a run or of all its shards, in the order of the list that they share. */
export async function* outcomesOf(folder: string): AsyncGenerator<LocatedOutcome> {
  const streams = (await runFolders(folder)).map((run) => ({ folder: run, outcomes: outcomesOfRun(run) }));
  const heads = await Promise.all(streams.map(async (one) => ({ ...one, next: await one.outcomes.next() })));
  for (;;) {
    const open = heads.filter(({ next }) => !next.done);
    if (open.length === 0) return;
    const first = open.reduce((a, b) => ((b.next.value as Outcome).index < (a.next.value as Outcome).index ? b : a));
    yield { outcome: first.next.value as Outcome, folder: first.folder };
    first.next = await first.outcomes.next();
  }
}
