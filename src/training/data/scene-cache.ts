/**
 * Scenes of RexWorld rendered once and kept on disk, so that every epoch and every run reads instead of rendering.
 * A cache is a function of its split, seed and count; it is made in worker threads and can be interrupted.
 */

import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ChatRexError } from '../../errors.ts';
import { startWorker } from '../../start-worker.ts';
import { categoryNamed } from '../../world/categories.ts';
import type { Scene, SceneObject, Split } from '../../world/scene.ts';

export interface SceneCacheKey {
  readonly split: Split;
  readonly seed: number;
  readonly count: number;
}

export interface SceneCache {
  readonly count: number;
  /** The scene as rendered; its picture is read from disk. */
  scene(index: number): Promise<Scene>;
  close(): Promise<void>;
}

/** Scenes are square, at RexWorld's standard size. */
const side = 256;
const pictureBytes = side * side * 3;
/** Scenes that one message to a worker asks for: big enough to be cheap, small enough to show progress. */
const batchSize = 32;

/** What a worker returns for a range of scenes. */
export interface RenderedBatch {
  readonly start: number;
  readonly pictures: Uint8Array;
  /** One JSON text per scene. */
  readonly records: string[];
}

/** A scene without its picture, as a line of JSON. */
type SceneRecord = Omit<Scene, 'image' | 'key' | 'objects'> & {
  objects: (Omit<SceneObject, 'category'> & { category: string })[];
};

export const recordOf = ({ image: _, key: __, objects, ...rest }: Scene): string =>
  JSON.stringify({ ...rest, objects: objects.map((object) => ({ ...object, category: object.category.name })) });

/** Opens the cache in `folder`, rendering what is missing first. */
export async function openSceneCache(
  folder: string,
  key: SceneCacheKey,
  onProgress?: (done: number, total: number) => void,
): Promise<SceneCache> {
  const place = join(folder, `${key.split}-${key.seed}`);
  await mkdir(place, { recursive: true });
  const present = await completeRecords(join(place, 'scenes.jsonl'));
  if (present < key.count) await renderMissing(place, key, present, onProgress);
  const records: string[] = [];
  for await (const line of createInterface({ input: createReadStream(join(place, 'scenes.jsonl')) })) {
    if (records.length < key.count) records.push(line);
  }
  const pictures = await open(join(place, 'pictures.bin'), 'r');
  return {
    count: key.count,
    scene: (index) => readScene(pictures, records, key, index),
    close: () => pictures.close(),
  };
}

async function readScene(file: FileHandle, records: string[], key: SceneCacheKey, index: number): Promise<Scene> {
  if (!(index >= 0 && index < records.length)) {
    throw new ChatRexError('invalid-argument', `scene ${index} is not in a cache of ${records.length}`);
  }
  const { objects, ...rest } = JSON.parse(records[index]) as SceneRecord;
  const data = new Uint8Array(pictureBytes);
  await file.read(data, 0, pictureBytes, index * pictureBytes);
  return {
    ...rest,
    key: { split: key.split, seed: key.seed, index },
    image: { width: side, height: side, data },
    objects: objects.map((object) => ({ ...object, category: categoryNamed(object.category) })),
  };
}

/** Number of whole lines; a line cut off by an interruption is removed. */
async function completeRecords(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length !== text.length) await writeFile(path, whole);
  return whole.split('\n').length - 1;
}

async function renderMissing(
  place: string,
  key: SceneCacheKey,
  present: number,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const pictures = await open(join(place, 'pictures.bin'), present === 0 ? 'w' : 'r+');
  const records = await open(join(place, 'scenes.jsonl'), 'a');
  const finished = new Map<number, RenderedBatch>();
  let written = present;
  const starts = Array.from(
    { length: Math.ceil((key.count - present) / batchSize) },
    (_, i) => present + i * batchSize,
  );
  const writeInOrder = async () => {
    for (let batch = finished.get(written); batch; batch = finished.get(written)) {
      finished.delete(written);
      await pictures.write(batch.pictures, 0, batch.pictures.length, written * pictureBytes);
      await records.write(`${batch.records.join('\n')}\n`);
      written += batch.records.length;
      onProgress?.(written, key.count);
    }
  };
  let writing = Promise.resolve();
  try {
    await forEachInWorkers(key, starts, (batch) => {
      finished.set(batch.start, batch);
      writing = writing.then(writeInOrder);
      return writing;
    });
  } finally {
    await pictures.close();
    await records.close();
  }
}

/** Every worker takes the next range as soon as it has returned one. */
async function forEachInWorkers(
  { split, seed, count }: SceneCacheKey,
  starts: number[],
  take: (batch: RenderedBatch) => Promise<void>,
): Promise<void> {
  const queue = [...starts];
  const runOne = () =>
    new Promise<void>((resolve, reject) => {
      const worker = startWorker('./scene-worker.ts', import.meta.url, { split, seed });
      const next = () => {
        const start = queue.shift();
        if (start === undefined) void worker.terminate().then(() => resolve());
        else worker.postMessage({ start, end: Math.min(count, start + batchSize) });
      };
      worker.on('message', (batch: RenderedBatch) => void take(batch).then(next, reject));
      worker.on('error', reject);
      next();
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), starts.length) }, runOne));
}
