import { join } from 'node:path';
import type { Outcome } from './annotation.ts';
import { readLines } from './journal.ts';
import { blockFolder, outcomesFileName } from './run-folder.ts';

/** How the entries of a finished block ended. */
export async function* outcomesOfBlock(folder: string, block: number): AsyncGenerator<Outcome> {
  for await (const { value } of readLines<Outcome>(join(blockFolder(folder, block), outcomesFileName))) yield value;
}
