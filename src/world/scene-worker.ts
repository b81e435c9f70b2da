/** Worker thread that renders ranges of scenes. */

import { workerData } from 'node:worker_threads';
import type { DerivedValues, Range } from '../datasets/derived.ts';
import { serveTasks, Transferred } from '../workers/protocol.ts';
import { renderScene, type SceneKey } from './scene.ts';
import { packScene } from './scene-record.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

const key = workerData as Omit<SceneKey, 'index'>;
const atlas = loadSpriteAtlas();

serveTasks(async ({ start, end }: Range, isCancelled) => {
  const sprites = await atlas;
  const scenes: Uint8Array[] = [];
  for (let index = start; index < end && !isCancelled(); index++) {
    scenes.push(packScene(renderScene(sprites, { ...key, index })));
  }
  return new Transferred<DerivedValues>(
    scenes,
    scenes.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
