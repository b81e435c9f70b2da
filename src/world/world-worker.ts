/**
 * The thread behind `world-stream.ts`: every message asks for one more item of this thread's share.
 */

import { parentPort, workerData } from 'node:worker_threads';
import type { SpriteAtlas } from './sprite-atlas.ts';
import { makeItem, transferableOf, type WorldJob } from './world-job.ts';

/** What a thread is started with: it makes items `first`, `first + step`, ... */
export interface WorkerShare {
  readonly atlas: SpriteAtlas;
  readonly job: WorldJob;
  readonly first: number;
  readonly step: number;
}

if (parentPort) {
  const { atlas, job, first, step } = workerData as WorkerShare;
  let index = first;
  parentPort.on('message', () => {
    const item = makeItem(atlas, job, index);
    index += step;
    parentPort?.postMessage(item, [transferableOf(item)]);
  });
}
