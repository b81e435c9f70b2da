import { beforeAll, describe, expect, it } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { OWNED_ALPHA } from './raster.ts';
import { renderScene, renderSceneWithOwners, type Scene } from './scene.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';
import type { SpriteAtlas } from './sprites.ts';

let atlas: SpriteAtlas;
let scenes: Scene[];

beforeAll(async () => {
  atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: 60 }, (_, index) => renderScene(atlas, { split: 'train', seed: 11, index }));
});

describe('a scene', () => {
  it('is the same for the same key, byte for byte', () => {
    for (const index of [0, 7, 13]) {
      const again = renderScene(atlas, { split: 'train', seed: 11, index });
      expect(Buffer.compare(again.image.data, scenes[index].image.data)).toBe(0);
      expect(again.objects).toEqual(scenes[index].objects);
    }
  });

  it('is another for another split, seed or index', () => {
    const keys = [
      { split: 'val', seed: 11, index: 0 },
      { split: 'test', seed: 11, index: 0 },
      { split: 'train', seed: 12, index: 0 },
      { split: 'train', seed: 11, index: 1 },
    ] as const;
    for (const key of keys)
      expect(Buffer.compare(renderScene(atlas, key).image.data, scenes[0].image.data)).not.toBe(0);
  });

  it('has 1 to 60 objects, some few, some many', () => {
    const counts = scenes.map(({ objects }) => objects.length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(60);
    expect(Math.min(...counts)).toBeLessThanOrEqual(3);
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(25);
  });

  it('can have any size', () => {
    for (const [width, height] of [
      [64, 64],
      [320, 192],
      [96, 480],
    ]) {
      const { image, objects } = renderScene(atlas, { split: 'val', seed: 1, index: 3, width, height });
      expect(image.data.length).toBe(width * height * 3);
      for (const {
        boxXyxy: [left, top, right, bottom],
      } of objects) {
        expect(left >= 0 && top >= 0 && right <= width && bottom <= height && right > left && bottom > top).toBe(true);
      }
    }
  });

  it('refuses a canvas that is too small or no whole number', () => {
    for (const width of [1, 63, 100.5, 5000]) {
      expect(() => renderScene(atlas, { split: 'val', seed: 1, index: 0, width })).toThrow(ChatRexError);
    }
  });
});

describe('annotations', () => {
  /** Which kept layer is on top of a pixel, found from the patches alone, from the last drawn to the first. */
  const topLayerAt = ({ layers, patches, isKept }: ReturnType<typeof renderSceneWithOwners>, x: number, y: number) => {
    for (let layer = layers.length - 1; layer >= 0; layer--) {
      const patch = patches[layer];
      if (!patch || !isKept[layers[layer].object]) continue;
      const [px, py] = [x - patch.left, y - patch.top];
      if (px < 0 || py < 0 || px >= patch.width || py >= patch.height) continue;
      if (patch.rgba[(py * patch.width + px) * 4 + 3] >= OWNED_ALPHA) return layer;
    }
    return -1;
  };

  it('have boxes that are exactly the extent of the visible pixels, contents included', () => {
    for (let index = 0; index < 12; index++) {
      const drawn = renderSceneWithOwners(atlas, { split: 'val', seed: 2, index, width: 128, height: 128 });
      const { scene, layers, isKept } = drawn;
      const newIndex = isKept.map((kept, old) => (kept ? isKept.slice(0, old).filter(Boolean).length : -1));
      const extents = scene.objects.map(() => [Infinity, Infinity, 0, 0]);
      const areas = scene.objects.map(() => 0);
      for (let y = 0; y < 128; y++) {
        for (let x = 0; x < 128; x++) {
          const layer = topLayerAt(drawn, x, y);
          let object: number | null = layer < 0 ? null : newIndex[layers[layer].object];
          while (object !== null) {
            const [left, top, right, bottom] = extents[object];
            extents[object] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
            areas[object]++;
            object = scene.objects[object].parent;
          }
        }
      }
      expect(scene.objects.map(({ boxXyxy }) => [...boxXyxy])).toEqual(extents);
      expect(scene.objects.map(({ visibleArea }) => visibleArea)).toEqual(areas);
    }
  });

  it('show at least a quarter of every object', () => {
    const fractions = scenes.flatMap(({ objects }) => objects.map(({ visibleFraction }) => visibleFraction));
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0.25);
    expect(fractions.some((fraction) => fraction < 0.7)).toBe(true);
  });

  it('disagree between fine and coarse: pieces against wholes', () => {
    const objects = scenes.flatMap((scene) => scene.objects);
    expect(objects.every(({ isFine, isCoarse }) => isFine || isCoarse)).toBe(true);
    for (const { parent, isFine, isCoarse, category } of objects) {
      if (parent !== null) expect([isFine, isCoarse]).toEqual([true, false]);
      else expect(isCoarse).toBe(true);
      if (category.kind === 'container' || category.kind === 'composite') expect(isFine).toBe(false);
    }
    const differing = scenes.filter((scene) => scene.objects.some(({ isFine, isCoarse }) => isFine !== isCoarse));
    expect(differing.length / scenes.length).toBeGreaterThan(0.5);
  });

  it('have a colour exactly where the category is painted, and it shows', () => {
    for (const { colour, category } of scenes.flatMap((scene) => scene.objects)) {
      expect(colour !== null).toBe(category.isPainted);
    }
  });
});
