/**
 * A part of the step that `training-upn.ts` measures, in a worker thread, as `part-worker.ts` computes it in training.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { createScope } from '../src/nn/scope.ts';
import { createRandom } from '../src/random.ts';
import { type HostTensor, hostTensor } from '../src/runtime/host-tensor.ts';
import type { Feeds } from '../src/runtime/session.ts';
import { nanoUpn } from '../src/training/configs/nano-upn.ts';
import { GradientSession } from '../src/training/gradient-session.ts';
import type { SharedTensor } from '../src/training/parallel/threads.ts';
import { upnBatch, upnExample } from '../src/training/upn/batch.ts';
import { upnTrainingGraph } from '../src/training/upn/loss.ts';
import { upnStep } from '../src/training/upn/step.ts';
import { openWorldDataset } from '../src/world/dataset.ts';

export interface UpnPart {
  readonly parameters: readonly SharedTensor[];
  /** Where gradients are written. */
  readonly gradients: readonly SharedTensor[];
  readonly part: number;
  readonly threads: number;
  readonly cacheFolder: string;
}

export interface UpnPartAnswer {
  readonly loss: number;
  /** Milliseconds of matching, targets and other inputs, which JavaScript computes between the two halves. */
  readonly host: number;
  /** What the session was fed, after its first step. */
  readonly feeds?: Readonly<Record<string, HostTensor>>;
}

const { parameters, gradients, part, threads, cacheFolder } = workerData as UpnPart;
const { seed, batchSize } = nanoUpn;
const key = `bench/${seed}/${part}`;

const world = await openWorldDataset({ split: 'train', seed, size: (part + 1) * batchSize }, { cacheFolder });
const examples = await Promise.all(
  Array.from({ length: batchSize }, (_, i) =>
    upnExample(world, part * batchSize + i, nanoUpn, 0, createRandom(`${key}/${i}`)),
  ),
);
const batch = upnBatch(examples, nanoUpn, 0);
const own = new Map(parameters.map(({ name, shape, data }) => [name, hostTensor('float32', shape, data.slice())]));
const { loss, metrics, predictions } = upnTrainingGraph(createScope(), nanoUpn);
const session = await GradientSession.create<string, string>(loss, metrics, own, { predictions, threads });

/** Stands between a step and its session, and notes what passes and when. */
const heard = { feeds: {} as Record<string, HostTensor>, predictedAt: 0, host: 0 };
const listener = {
  predict: async (feeds: Feeds) => {
    const predicted = await session.predict(feeds);
    heard.predictedAt = performance.now();
    Object.assign(heard.feeds, feeds);
    return predicted;
  },
  accumulate: (feeds: Feeds) => {
    heard.host = performance.now() - heard.predictedAt;
    Object.assign(heard.feeds, feeds);
    return session.accumulate(feeds);
  },
} as unknown as GradientSession<string, string>;

let isFirst = true;
parentPort?.on('message', async () => {
  for (const { name, data } of parameters) own.get(name)?.data.set(data);
  const found = await upnStep(listener, nanoUpn, batch, `${key}/noise`);
  const means = session.finish();
  for (const { name, data } of gradients) data.set(means.get(name) as Float32Array);
  const answer: UpnPartAnswer = { loss: found.loss, host: heard.host, ...(isFirst && { feeds: heard.feeds }) };
  isFirst = false;
  parentPort?.postMessage(answer);
});
parentPort?.postMessage('ready');
