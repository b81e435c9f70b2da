/** Worker thread that encodes ranges of images. */

import { workerData } from 'node:worker_threads';
import { pixelFeeds } from '../../chatrex/preprocess.ts';
import type { DerivedValues, Range } from '../../datasets/derived.ts';
import { ChatRexError } from '../../errors.ts';
import { openDataset } from '../../open-dataset.ts';
import { Session } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { serveTasks } from '../../workers/protocol.ts';
import { loadInitial } from '../initial-weights.ts';
import { initializeParameters, storedParameters } from '../parameters.ts';
import { encoderGraph, type FeatureWorkerData, packFeatures } from './features.ts';

const { data, context, model, weights } = workerData as FeatureWorkerData;

async function open() {
  const outputs = encoderGraph(model);
  const parameters = initializeParameters(graphOf(outputs).parameters.values(), 0);
  await loadInitial(weights, parameters);
  return {
    dataset: await openDataset(data, context),
    session: await Session.create(outputs, storedParameters(parameters), { threads: 1 }),
  };
}
const opened = open();
opened.catch(() => {});

serveTasks(async ({ start, end }: Range, isCancelled) => {
  const { dataset, session } = await opened;
  const values: DerivedValues[number][] = [];
  for (let index = start; index < end; index++) {
    if (isCancelled()) throw new ChatRexError('aborted', 'cancelled');
    const image = await dataset.image(index).catch((error: unknown) => {
      if (error instanceof ChatRexError) return error.message;
      throw error;
    });
    if (typeof image === 'string') values.push({ failure: image });
    else {
      const record = packFeatures(model, await session.run({ ...pixelFeeds([image], model) }));
      values.push(new Uint8Array(record.buffer));
    }
  }
  return values;
});
