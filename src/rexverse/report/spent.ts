import { join } from 'node:path';
import { readLines } from '../journal.ts';
import { type CallRecord, callFiles, type Usage } from '../models/calls.ts';
import { blockFolder, blockNames } from '../run-folder.ts';

/** Every call that a run has paid for, whether its answer was of use or not. One run folder. */
export async function* callsOf(folder: string): AsyncGenerator<CallRecord> {
  for (const name of await blockNames(folder)) {
    const place = blockFolder(folder, Number(name));
    for (const file of await callFiles(place)) {
      for await (const { value } of readLines<CallRecord>(join(place, file))) yield value;
    }
  }
}

/** Tokens that a run has spent, by model. */
export async function spentIn(folder: string): Promise<Map<string, Usage>> {
  const spent = new Map<string, Usage>();
  for await (const { model, usage } of callsOf(folder)) {
    const { input, output } = spent.get(model) ?? { input: 0, output: 0 };
    spent.set(model, { input: input + usage.input, output: output + usage.output });
  }
  return spent;
}
