/**
 * What frozen encoders make of every image of a data set, computed once and kept in half precision: a run that reads it
 * never runs an encoder.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ChatRexConfig } from '../../chatrex/config.ts';
import { chatRexVision } from '../../chatrex/network.ts';
import { encodedInputs, namedFeatures, visionInputs } from '../../chatrex/vision-encoder.ts';
import type { Dataset, DatasetSpec, OpenContext } from '../../datasets/dataset.ts';
import { type Derived, derive } from '../../datasets/derived.ts';
import { createScope } from '../../nn/scope.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import type { Feeds } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { float16ToFloat32, float32ToFloat16 } from '../../weights/float16.ts';
import { type InitialWeights, loadInitial } from '../initial-weights.ts';
import { initializeParameters } from '../parameters.ts';
import { onlyPlaces } from './worker-context.ts';

/** Features of one image, as `packFeatures` made them. */
export type Features = Uint16Array;

/** What a worker starts with. */
export interface FeatureWorkerData {
  readonly data: DatasetSpec;
  readonly context: OpenContext;
  readonly model: ChatRexConfig;
  readonly weights: readonly InitialWeights[];
}

export async function deriveFeatures(
  dataset: Dataset,
  data: DatasetSpec,
  { model, weights }: Pick<FeatureWorkerData, 'model' | 'weights'>,
  context: OpenContext,
): Promise<Derived<Features>> {
  const { imageSize, lowPixels, statistics, low, high } = model;
  const hash = createHash('sha256').update(JSON.stringify({ imageSize, lowPixels, statistics, low, high }));
  // Weights by their values: a run with the same encoders finds what another one encoded.
  const encoders = initializeParameters(graphOf(encoderGraph(model)).parameters.values(), 0);
  await loadInitial(weights, encoders);
  for (const [name, { data }] of encoders) hash.update(name).update(data);
  const workerData: FeatureWorkerData = { data, context: onlyPlaces(context), model, weights };
  return derive<Features>(
    {
      folder: join(context.cacheFolder, `features-${dataset.fingerprint}-${hash.digest('hex').slice(0, 12)}`),
      size: dataset.size,
      // Features are large: a block of the bundled model's is 20 MB.
      blockSize: 64,
      worker: { module: './feature-worker.ts', base: import.meta.url, data: workerData },
      unpack: ({ buffer, byteOffset, byteLength }) =>
        new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength)),
    },
    {
      signal: context.signal,
      onProgress: (done, total) => context.onStatus?.(`encoding images ${done}/${total}`),
    },
  );
}

/** What `encodedInputs` wants for these images as a batch; zeros for a row without an image. */
export function featureFeeds(model: ChatRexConfig, rows: readonly (Features | null)[]): Feeds {
  const layout = featureLayout(model);
  const feeds = layout.map(({ shape }) => hostTensor('float32', [rows.length, ...shape]));
  rows.forEach((row, b) => {
    let at = 0;
    layout.forEach(({ length }, i) => {
      if (row) feeds[i].data.set(float16ToFloat32(row.subarray(at, at + length)), b * length);
      at += length;
    });
  });
  return Object.fromEntries(layout.map(({ name }, i) => [name, feeds[i]]));
}

/** The encoders' graph for images one by one; outputs have the names of `encodedInputs`. */
export function encoderGraph(model: ChatRexConfig): Record<string, Tensor> {
  const { pixelsLow, pixelsHigh } = visionInputs(model, { batch: 1 });
  return namedFeatures(chatRexVision(createScope(), model).encode(pixelsLow, pixelsHigh));
}

/** Results of `encoderGraph` as one record. */
export function packFeatures(model: ChatRexConfig, results: Feeds): Features {
  const parts = featureLayout(model).map(({ name }) => float32ToFloat16(results[name].data as Float32Array));
  const record = new Uint16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}

/** Names and shapes of an image's features, in the order of a record. */
function featureLayout(model: ChatRexConfig) {
  return Object.entries(namedFeatures(encodedInputs(model, 1))).map(([name, { shape }]) => {
    const ofImage = shape.slice(1) as number[];
    return { name, shape: ofImage, length: ofImage.reduce((product, size) => product * size, 1) };
  });
}
