/** Worker thread of the feature cache: encodes ranges of scenes. */

import { parentPort, workerData } from 'node:worker_threads';
import { pixelFeeds } from '../../chatrex/preprocess.ts';
import { Session } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { loadInitial } from '../initial-weights.ts';
import { initializeParameters, storedParameters } from '../parameters.ts';
import { encoderGraph, type FeatureWorkerData, packFeatures } from './feature-cache.ts';
import type { Range } from './ranges.ts';
import { openSceneCache } from './scene-cache.ts';

const { folder, key, model, weights } = workerData as FeatureWorkerData;
const cache = await openSceneCache(folder, key);
const outputs = encoderGraph(model);
const parameters = initializeParameters(graphOf(outputs).parameters.values(), 0);
await loadInitial(weights, parameters);
const session = await Session.create(outputs, storedParameters(parameters), { threads: 1 });

parentPort?.on('message', async ({ start, end }: Range) => {
  const records: Uint16Array[] = [];
  for (let index = start; index < end; index++) {
    const { image } = await cache.scene(index);
    records.push(packFeatures(model, await session.run({ ...pixelFeeds([image], model) })));
  }
  const features = new Uint16Array(records.length * records[0].length);
  records.forEach((record, i) => {
    features.set(record, i * record.length);
  });
  parentPort?.postMessage(features, [features.buffer]);
});
