/**
 * What frozen encoders make of the scenes of a cache, computed once and kept beside them in half precision: a run that reads it
 * never runs an encoder.
 */

import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChatRexConfig } from '../../chatrex/config.ts';
import { chatRexVision } from '../../chatrex/network.ts';
import { encodedInputs, visionInputs } from '../../chatrex/vision-encoder.ts';
import { createScope } from '../../nn/scope.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import type { Feeds } from '../../runtime/session.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { float16ToFloat32, float32ToFloat16 } from '../../weights/float16.ts';
import type { InitialWeights } from '../initial-weights.ts';
import { computeRanges } from './ranges.ts';
import { type SceneCacheKey, sceneCacheFolder } from './scene-cache.ts';

export interface EncodedScenes {
  /** What `encodedInputs` wants for these scenes as a batch. */
  feeds(indices: readonly number[]): Promise<Feeds>;
  close(): Promise<void>;
}

/** What a worker starts with. */
export interface FeatureWorkerData {
  readonly folder: string;
  readonly key: SceneCacheKey;
  readonly model: ChatRexConfig;
  readonly weights: readonly InitialWeights[];
}

/** Opens the features of all scenes of a cache, which must be complete; computes what is missing first. */
export async function openFeatureCache(
  data: FeatureWorkerData,
  onProgress?: (done: number, total: number) => void,
): Promise<EncodedScenes> {
  const { folder, key, model } = data;
  const path = join(sceneCacheFolder(folder, key), `features-${await fingerprint(data)}.bin`);
  const layout = featureLayout(model);
  const recordBytes = 2 * layout.reduce((sum, { length }) => sum + length, 0);
  const present = await stat(path).then(
    ({ size }) => Math.floor(size / recordBytes),
    () => 0,
  );
  if (present < key.count) {
    const file = await open(path, present === 0 ? 'w' : 'r+');
    try {
      await computeRanges<Uint16Array>(
        { module: './feature-worker.ts', base: import.meta.url, data },
        { from: present, to: key.count },
        async ({ start, end }, features) => {
          await file.write(features, 0, features.byteLength, start * recordBytes);
          onProgress?.(end, key.count);
        },
      );
    } finally {
      await file.close();
    }
  }
  const file = await open(path, 'r');
  return {
    feeds: async (indices) => {
      const feeds = layout.map(({ shape }) => hostTensor('float32', [indices.length, ...shape]));
      for (const [b, index] of indices.entries()) {
        const record = new Uint16Array(recordBytes / 2);
        await file.read(record, 0, recordBytes, index * recordBytes);
        let at = 0;
        layout.forEach(({ length }, i) => {
          feeds[i].data.set(float16ToFloat32(record.subarray(at, at + length)), b * length);
          at += length;
        });
      }
      return Object.fromEntries(layout.map(({ name }, i) => [name, feeds[i]]));
    },
    close: () => file.close(),
  };
}

/** The encoders' graph for images one by one; outputs have the names of `encodedInputs`. */
export function encoderGraph(model: ChatRexConfig): Record<string, Tensor> {
  const { pixelsLow, pixelsHigh } = visionInputs(model, { batch: 1 });
  const { low, maps } = chatRexVision(createScope(), model).encode(pixelsLow, pixelsHigh);
  return { low, ...Object.fromEntries(maps.map((map, i) => [`map ${i}`, map])) };
}

/** Results of `encoderGraph` as one record. */
export function packFeatures(model: ChatRexConfig, results: Feeds): Uint16Array {
  const parts = featureLayout(model).map(({ name }) => float32ToFloat16(results[name].data as Float32Array));
  const record = new Uint16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}

/** Names and shapes of a scene's features, in the order of a record. */
function featureLayout(model: ChatRexConfig) {
  const { low, maps } = encodedInputs(model, 1);
  const named = [['low', low] as const, ...maps.map((map, i) => [`map ${i}`, map] as const)];
  return named.map(([name, { shape }]) => {
    const ofScene = shape.slice(1) as number[];
    return { name, shape: ofScene, length: ofScene.reduce((product, size) => product * size, 1) };
  });
}

/** Names encoders by their configuration and the files that their weights come from. */
async function fingerprint({ model, weights }: FeatureWorkerData): Promise<string> {
  const { imageSize, lowPixels, statistics, low, high } = model;
  const hash = createHash('sha256').update(JSON.stringify({ imageSize, lowPixels, statistics, low, high }));
  for (const { file, from, to } of weights) hash.update(`${from} ${to}`).update(await readFile(file));
  return hash.digest('hex').slice(0, 12);
}
