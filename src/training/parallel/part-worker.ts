/** Worker thread of a training step: opens the stage for itself, computes gradients of its parts, one step a message. */

import { parentPort, workerData } from 'node:worker_threads';
import { ChatRexError } from '../../errors.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import { GradientSession } from '../gradient-session.ts';
import { openStage } from '../stages.ts';
import type { PartWorkerAnswer, PartWorkerData } from './threads.ts';

const { description, parameters, gradients, parts, threads } = workerData as PartWorkerData;

const answer = (value: PartWorkerAnswer) => parentPort?.postMessage(value);
const fail = (error: unknown) => {
  const code = error instanceof ChatRexError ? error.code : undefined;
  answer({ failure: { code, message: (error as Error).message } });
};

async function serve(): Promise<void> {
  const stage = await openStage(description);
  // The runtime cannot read shared memory, so this thread has its own copies.
  const own = new Map(parameters.map(({ name, shape, data }) => [name, hostTensor('float32', shape, data.slice())]));
  const trained = new Set(gradients.map(({ name }) => name));
  const session = await GradientSession.create<string, string>(stage.loss, stage.metrics, own, {
    predictions: stage.predictions,
    isTrainable: (name) => trained.has(name),
    threads,
  });
  const makeBatches = (step: number) => Promise.all(parts.map((part) => stage.makeBatch(step, part)));
  let ahead: { step: number; batches: Promise<unknown[]> } | undefined;

  const compute = async (step: number) => {
    for (const { name, data } of parameters) if (trained.has(name)) own.get(name)?.data.set(data);
    const batches = await (ahead?.step === step ? ahead.batches : makeBatches(step));
    const metrics: Record<string, number> = {};
    for (const [i, batch] of batches.entries()) {
      const ofPart = await stage.run(session, batch, step, parts[i]);
      for (const [name, value] of Object.entries(ofPart)) metrics[name] = (metrics[name] ?? 0) + value / parts.length;
    }
    const means = session.finish();
    for (const { name, data } of gradients) data.set(means.get(name) as Float32Array);
    answer({ metrics });
    // While the weights are updated, the next batch is made.
    const batchesAhead = makeBatches(step + 1);
    batchesAhead.catch(() => {});
    ahead = { step: step + 1, batches: batchesAhead };
  };
  parentPort?.on('message', (step: number) => void compute(step).catch(fail));
  answer({ metrics: {} });
}

void serve().catch(fail);
