import { expect, it } from 'vitest';
import { CATEGORIES } from './categories.ts';
import type { CropJob, SceneJob, WorldItem, WorldJob } from './world-job.ts';
import { openWorldStream, type WorldStreamOptions } from './world-stream.ts';

const scenes = { kind: 'scenes', split: 'train', seed: 2, width: 96, height: 96, samples: {} } satisfies SceneJob;
const crops = { kind: 'crops', split: 'train', seed: 2, size: 32, batch: 12 } satisfies CropJob;

async function take<Job extends WorldJob>(job: Job, count: number, options: WorldStreamOptions) {
  const stream = await openWorldStream(job, options);
  const items: WorldItem<Job>[] = [];
  for await (const item of stream) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

it('gives the same scenes in the same order with no, one and two threads, and from any index', async () => {
  const here = await take(scenes, 5, { workers: 0 });
  expect(here.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  expect(here.every(({ samples }) => samples.length > 5)).toBe(true);
  expect(await take(scenes, 5, { workers: 2, prefetch: 2 })).toEqual(here);
  expect(await take(scenes, 2, { workers: 1, from: 3 })).toEqual(here.slice(3));
}, 240_000);

it('gives batches of crops', async () => {
  const [first, second] = await take(crops, 2, { workers: 1 });
  expect(first.images.length).toBe(12 * 32 * 32 * 3);
  expect([...first.categories].every((id) => CATEGORIES[id] !== undefined)).toBe(true);
  expect(second.categories).not.toEqual(first.categories);
  expect((await take(crops, 2, { workers: 0 }))[1].images).toEqual(second.images);
});

it('ends when it is closed', async () => {
  const stream = await openWorldStream(crops);
  await stream.next();
  await stream.close();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

it('passes on what goes wrong in a thread', async () => {
  const stream = await openWorldStream({ ...scenes, width: 3 }, { workers: 1 });
  await expect(stream.next()).rejects.toThrow(/World canvas/);
  await stream.close();
});
