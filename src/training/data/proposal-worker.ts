/** Worker thread of the proposal cache: finds objects in ranges of scenes. */

import { parentPort, workerData } from 'node:worker_threads';
import { Upn } from '../../proposals/upn.ts';
import type { ProposalWorkerData } from './proposal-cache.ts';
import type { Range } from './ranges.ts';
import { openSceneCache } from './scene-cache.ts';

const { folder, key, model, proposals } = workerData as ProposalWorkerData;
const cache = await openSceneCache(folder, key);
const upn = await Upn.load(model, { session: { threads: 1 } });

async function find(index: number): Promise<number[]> {
  const { image } = await cache.scene(index);
  const [{ boxesXyxy }] = await upn.propose([image], proposals);
  return Array.from(boxesXyxy, (value) => Math.round(value * 10) / 10);
}

parentPort?.on('message', async ({ start, end }: Range) => {
  const found: number[][] = [];
  for (let index = start; index < end; index++) found.push(await find(index));
  parentPort?.postMessage(found);
});
