/** Worker thread that finds the objects of ranges of images. */

import { workerData } from 'node:worker_threads';
import type { DerivedValues, Range } from '../../datasets/derived.ts';
import { ChatRexError } from '../../errors.ts';
import { openDataset } from '../../open-dataset.ts';
import { loadProposalNetwork } from '../../proposals/load-proposal-network.ts';
import { serveTasks } from '../../workers/protocol.ts';
import type { ProposalWorkerData } from './proposals.ts';

const { data, context, model, proposals } = workerData as ProposalWorkerData;

async function open() {
  const network = await loadProposalNetwork(model, { session: { threads: 1 } });
  return { dataset: await openDataset(data, context), network };
}
const opened = open();
opened.catch(() => {});

serveTasks(async ({ start, end }: Range, isCancelled) => {
  const { dataset, network } = await opened;
  const find = async (index: number) => {
    const [{ boxesXyxy }] = await network.propose([await dataset.image(index)], proposals);
    return new Uint8Array(boxesXyxy.map((value) => Math.round(value * 10) / 10).buffer);
  };
  const values: DerivedValues[number][] = [];
  for (let index = start; index < end; index++) {
    if (isCancelled()) throw new ChatRexError('aborted', 'cancelled');
    values.push(await find(index).catch(failureOf));
  }
  return values;
});

/** One image that cannot be read is its own failure, not that of all. */
function failureOf(error: unknown): { failure: string } {
  if (error instanceof ChatRexError && error.code !== 'runtime') return { failure: error.message };
  throw error;
}
