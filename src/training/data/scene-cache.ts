/**
 * Scenes of RexWorld rendered once and kept on disk, so that every epoch and every run reads instead of rendering.
 * A cache is a function of its split, seed and count; it is made in worker threads and can be interrupted.
 */

import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ChatRexError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import { categoryNamed } from '../../world/categories.ts';
import type { Scene, SceneObject, Split } from '../../world/scene.ts';
import { computeRanges } from './ranges.ts';

export interface SceneCacheKey {
  readonly split: Split;
  readonly seed: number;
  readonly count: number;
}

export interface SceneCache {
  readonly count: number;
  /** The scene as rendered; its image is read from disk. */
  scene(index: number): Promise<Scene>;
  /** So many of its scenes, drawn at random. */
  draw(count: number, random: Random): Promise<Scene[]>;
  close(): Promise<void>;
}

/** Scenes are square, at RexWorld's standard size. */
const side = 256;
const imageBytes = side * side * 3;

/** What a worker returns for a range of scenes. */
export interface RenderedBatch {
  readonly images: Uint8Array;
  /** One JSON text per scene. */
  readonly records: string[];
}

/** A scene without its image, as a line of JSON. */
type SceneRecord = Omit<Scene, 'image' | 'key' | 'objects'> & {
  objects: (Omit<SceneObject, 'category'> & { category: string })[];
};

export const recordOf = ({ image: _, key: __, objects, ...rest }: Scene): string =>
  JSON.stringify({ ...rest, objects: objects.map((object) => ({ ...object, category: object.category.name })) });

/** Where the scenes of a key lie in a folder of caches. */
export const sceneCacheFolder = (folder: string, { split, seed }: SceneCacheKey): string =>
  join(folder, `${split}-${seed}`);

/** Opens the cache in `folder`, rendering what is missing first. */
export async function openSceneCache(
  folder: string,
  key: SceneCacheKey,
  onProgress?: (done: number, total: number) => void,
): Promise<SceneCache> {
  const place = sceneCacheFolder(folder, key);
  await mkdir(place, { recursive: true });
  const present = await completeRecords(join(place, 'scenes.jsonl'));
  if (present < key.count) await renderMissing(place, key, present, onProgress);
  const records: string[] = [];
  for await (const line of createInterface({ input: createReadStream(join(place, 'scenes.jsonl')) })) {
    if (records.length < key.count) records.push(line);
  }
  const images = await open(join(place, 'images.bin'), 'r');
  const scene = (index: number) => readScene(images, records, key, index);
  return {
    count: key.count,
    scene,
    draw: (count, random) => Promise.all(Array.from({ length: count }, () => random.int(0, key.count - 1)).map(scene)),
    close: () => images.close(),
  };
}

/** The scenes that a stage of training draws from. */
export const openTrainingScenes = (
  cacheFolder: string,
  { seed, scenes }: { seed: number; scenes: number },
  onStatus?: (text: string) => void,
): Promise<SceneCache> =>
  openSceneCache(...trainingScenes(cacheFolder, { seed, scenes }), (done, total) =>
    onStatus?.(`rendering scenes ${done}/${total}`),
  );

/** Folder and key of these scenes. */
export const trainingScenes = (
  cacheFolder: string,
  { seed, scenes }: { seed: number; scenes: number },
): [folder: string, key: SceneCacheKey] => [join(cacheFolder, 'scenes'), { split: 'train', seed, count: scenes }];

async function readScene(file: FileHandle, records: string[], key: SceneCacheKey, index: number): Promise<Scene> {
  if (!(index >= 0 && index < records.length)) {
    throw new ChatRexError('invalid-argument', `scene ${index} is not in a cache of ${records.length}`);
  }
  const { objects, ...rest } = JSON.parse(records[index]) as SceneRecord;
  const data = new Uint8Array(imageBytes);
  await file.read(data, 0, imageBytes, index * imageBytes);
  return {
    ...rest,
    key: { split: key.split, seed: key.seed, index },
    image: { width: side, height: side, data },
    objects: objects.map((object) => ({ ...object, category: categoryNamed(object.category) })),
  };
}

/** Number of whole lines; a line cut off by an interruption is removed. */
export async function completeRecords(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length !== text.length) await writeFile(path, whole);
  return whole.split('\n').length - 1;
}

async function renderMissing(
  place: string,
  { split, seed, count }: SceneCacheKey,
  present: number,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const images = await open(join(place, 'images.bin'), present === 0 ? 'w' : 'r+');
  const records = await open(join(place, 'scenes.jsonl'), 'a');
  try {
    await computeRanges<RenderedBatch>(
      { module: './scene-worker.ts', base: import.meta.url, data: { split, seed } },
      { from: present, to: count },
      async ({ start, end }, batch) => {
        await images.write(batch.images, 0, batch.images.length, start * imageBytes);
        await records.write(`${batch.records.join('\n')}\n`);
        onProgress?.(end, count);
      },
    );
  } finally {
    await images.close();
    await records.close();
  }
}
