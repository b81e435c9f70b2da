/** Worker thread of the scene cache: renders ranges of scenes. */

import { parentPort, workerData } from 'node:worker_threads';
import { renderScene, type Split } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import type { Range } from './ranges.ts';
import { type RenderedBatch, recordOf } from './scene-cache.ts';

const { split, seed } = workerData as { split: Split; seed: number };
const atlas = await loadSpriteAtlas();

parentPort?.on('message', ({ start, end }: Range) => {
  const scenes = Array.from({ length: end - start }, (_, i) => renderScene(atlas, { split, seed, index: start + i }));
  const size = scenes[0].image.data.length;
  const images = new Uint8Array(size * scenes.length);
  scenes.forEach(({ image }, i) => {
    images.set(image.data, i * size);
  });
  const batch: RenderedBatch = { images, records: scenes.map(recordOf) };
  parentPort?.postMessage(batch, [images.buffer]);
});
