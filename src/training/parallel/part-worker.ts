/** Worker thread of a training step: opens the stage, then computes the gradients of its parts, one step a task. */

import { workerData } from 'node:worker_threads';
import { hostTensor } from '../../runtime/host-tensor.ts';
import { serveTasks } from '../../workers/protocol.ts';
import type { Metrics } from '../metrics.ts';
import { StageSessions } from '../run.ts';
import { openStage } from '../stages.ts';
import type { PartWorkerData } from './threads.ts';

const { description, parameters, gradients, parts, threads } = workerData as PartWorkerData;

async function open() {
  const stage = await openStage(description);
  // The runtime cannot read shared memory, so this thread has its own copies.
  const own = new Map(parameters.map(({ name, shape, data }) => [name, hostTensor('float32', shape, data.slice())]));
  const trained = new Set(gradients[0].map(({ name }) => name));
  const sessions = new StageSessions(stage, own, { isTrainable: (name) => trained.has(name), threads });
  await sessions.open(0);
  const makeBatches = (step: number) => Promise.all(parts.map((part) => stage.makeBatch(step, part)));
  let ahead: { step: number; batches: Promise<unknown[]> } | undefined;

  return async (step: number): Promise<Metrics[]> => {
    for (const { name, data } of parameters) if (trained.has(name)) own.get(name)?.data.set(data);
    const batches = await (ahead?.step === step ? ahead.batches : makeBatches(step));
    const metrics: Metrics[] = [];
    for (const [i, batch] of batches.entries()) {
      const ofPart = await sessions.compute(batch, step, parts[i]);
      for (const { name, data } of gradients[i]) data.set(ofPart.gradients.get(name) as Float32Array);
      metrics.push(ofPart.metrics);
    }
    // While the weights are updated, the next batches are made. What goes wrong with them is told when their step
    // comes.
    const next = makeBatches(step + 1);
    next.catch(() => {});
    ahead = { step: step + 1, batches: next };
    return metrics;
  };
}

const opened = open();
// Told as the answer to the first task.
opened.catch(() => {});
serveTasks(async (step: number | 'open') => {
  const compute = await opened;
  return step === 'open' ? [] : compute(step);
});
