/** Worker thread of the proposal cache: finds objects in ranges of scenes. */

import { parentPort, workerData } from 'node:worker_threads';
import { Upn } from '../../proposals/upn.ts';
import type { ProposalWorkerData } from './proposal-cache.ts';
import type { Range } from './ranges.ts';
import { openSceneCache } from './scene-cache.ts';

/** Lower than where boxes are used, so that training sees doubtful ones too. */
const minScore = 0.1;
const maxBoxes = 80;

const { folder, key, model } = workerData as ProposalWorkerData;
const cache = await openSceneCache(folder, key);
const upn = await Upn.load(model, { session: { threads: 1 } });

async function find(index: number): Promise<number[]> {
  const { image } = await cache.scene(index);
  const [{ boxesXyxy }] = await upn.propose([image], { granularity: 'both', minScore, maxBoxes });
  return Array.from(boxesXyxy, (value) => Math.round(value * 10) / 10);
}

parentPort?.on('message', async ({ start, end }: Range) => {
  const found: number[][] = [];
  for (let index = start; index < end; index++) found.push(await find(index));
  parentPort?.postMessage(found);
});
