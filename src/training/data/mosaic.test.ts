import { beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../random.ts';
import { renderScene, type Scene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import { mosaic } from './mosaic.ts';

let scenes: Scene[];
beforeAll(async () => {
  const atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: 5 }, (_, index) => renderScene(atlas, { split: 'train', seed: 6, index }));
});

test('every cell holds an object of the scenes, whole and inside its cell', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { image, objects } = mosaic(scenes, createRandom(`mosaic/${seed}`), 256);
    expect(image.data).toHaveLength(3 * 256 * 256);
    const count = Math.sqrt(objects.length);
    expect(Number.isInteger(count)).toBe(true);
    expect(count).toBeGreaterThanOrEqual(4);
    const cell = Math.floor(256 / count);
    objects.forEach(({ boxXyxy: [x1, y1, x2, y2], category }, place) => {
      expect(scenes.some((scene) => scene.objects.some((object) => object.category === category))).toBe(true);
      const [left, top] = [(place % count) * cell, Math.floor(place / count) * cell];
      expect(x2 - x1).toBeGreaterThan(0);
      expect(y2 - y1).toBeGreaterThan(0);
      expect(Math.max(x2 - x1, y2 - y1)).toBeGreaterThan(0.6 * cell);
      for (const x of [x1, x2]) expect(Math.abs(x - left - cell / 2)).toBeLessThanOrEqual(cell / 2 + 1e-6);
      for (const y of [y1, y2]) expect(Math.abs(y - top - cell / 2)).toBeLessThanOrEqual(cell / 2 + 1e-6);
    });
  }
});

test('few objects make a small grid, none an empty image', () => {
  const [scene] = scenes;
  const two = { ...scene, objects: scene.objects.slice(0, 2) };
  expect(mosaic([two], createRandom('few'), 256).objects).toHaveLength(1);
  expect(mosaic([{ ...scene, objects: [] }], createRandom('none'), 256).objects).toHaveLength(0);
});
