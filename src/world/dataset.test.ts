import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { openWorldDataset, type WorldDataset } from './dataset.ts';
import { renderScene } from './scene.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

let cacheFolder: string;
let world: WorldDataset;
const options = { split: 'val', seed: 5, size: 10, width: 96, height: 64 } as const;
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'world-'));
  world = await openWorldDataset(options, { cacheFolder });
});
afterAll(() => rm(cacheFolder, { recursive: true }));

test('a sample is what is true of its scene, and its image the rendered one', async () => {
  const scene = renderScene(await loadSpriteAtlas(), { split: 'val', seed: 5, index: 7, width: 96, height: 64 });
  expect(await world.scene(7)).toEqual(scene);
  const { id, regions, coverage } = await world.sample(7);
  expect(id).toBe('val/5/7');
  expect(coverage).toEqual({ complete: ['fine', 'coarse'], isClosed: true });
  expect(regions.map(({ boxXyxy }) => boxXyxy)).toEqual(scene.objects.map(({ boxXyxy }) => boxXyxy));
  for (const [i, { category, granularities, attributes, partOf }] of regions.entries()) {
    const object = scene.objects[i];
    expect(category).toBe(object.category.name);
    expect(granularities).toEqual([...(object.isFine ? ['fine'] : []), ...(object.isCoarse ? ['coarse'] : [])]);
    expect(attributes?.color ?? null).toBe(object.colour);
    expect(partOf ?? null).toBe(object.parent);
    expect(world.vocabulary.some(({ name }) => name === category)).toBe(true);
  }
  expect((await world.image(7)).data).toEqual(scene.image.data);
  expect(await world.imageSize(7)).toEqual({ width: 96, height: 64 });
});

test('conversations are those that are wished for, the same for the same stream of choices', async () => {
  const wish = (key: string) =>
    world.conversations(3, { counts: { counting: 2, detection: 1 }, wordings: 'unseen', random: createRandom(key) });
  const made = await wish('a');
  expect(made.every(({ task }) => task === 'counting' || task === 'detection')).toBe(true);
  expect(await wish('a')).toEqual(made);
  const kinds = await world.conversations(3, {
    counts: { 'region-qa': 6 },
    kinds: ['where'],
    wordings: 'seen',
    random: createRandom('b'),
  });
  expect(new Set(kinds.flatMap(({ turns }) => turns.map(({ kind }) => kind)))).toEqual(new Set(['where']));
});

test('an index outside and a size of nothing are refused', async () => {
  await expect(world.sample(10)).rejects.toThrow(/0 to 9/);
  await expect(openWorldDataset({ ...options, size: 0 }, { cacheFolder })).rejects.toThrow();
});

test('a larger set of the same seed finds what is rendered; a block that was cut is rendered again', async () => {
  const [folder] = await readdir(cacheFolder);
  const [block] = await readdir(join(cacheFolder, folder));
  const before = await world.image(4);
  await truncate(join(cacheFolder, folder, block), 1000);
  const larger = await openWorldDataset({ ...options, size: 12 }, { cacheFolder });
  expect(await larger.image(4)).toEqual(before);
  expect(larger.fingerprint).not.toBe(world.fingerprint);
});
