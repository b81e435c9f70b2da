/** Worker thread that renders ranges of scenes into image files. */

import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { Range } from '../datasets/derived.ts';
import { encodeImage, imageFormatOf, sharpFrom } from '../drawing/encode.ts';
import { writeNamed } from '../files.ts';
import { serveTasks } from '../workers/protocol.ts';
import { renderScene, type SceneKey } from './scene.ts';
import { recordOf, type SceneRecord } from './scene-record.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

/** What it starts with: which scenes, and where their images go. */
export interface RenderWorkerData {
  readonly key: Omit<SceneKey, 'index'>;
  readonly folder: string;
  readonly format: 'png' | 'jpg';
}

/** Below the folder. */
export const imageName = (split: string, index: number, format: string): string =>
  `images/${split}-${String(index).padStart(6, '0')}.${format}`;

const { key, folder, format } = (workerData ?? {}) as RenderWorkerData;

serveTasks(async ({ start, end }: Range, isCancelled): Promise<SceneRecord[]> => {
  const atlas = await loadSpriteAtlas();
  const records: SceneRecord[] = [];
  for (let index = start; index < end && !isCancelled(); index++) {
    const scene = renderScene(atlas, { ...key, index });
    const path = join(folder, imageName(key.split, index, format));
    await writeNamed(path, await encodeImage(sharpFrom(scene.image), imageFormatOf(path)));
    records.push(recordOf(scene));
  }
  return records;
});
