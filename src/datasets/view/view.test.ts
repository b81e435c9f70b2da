import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRgbImage, type RgbImage } from '../../image/rgb-image.ts';
import { createRandom } from '../../random.ts';
import type { Region } from '../sample.ts';
import { lookAt, randomView, type View, wholeView } from './view.ts';

const region = (boxXyxy: Region['boxXyxy']): Region => ({ boxXyxy, granularities: ['coarse'] });

/** Black with a red rectangle. */
function painted(width: number, height: number, [x1, y1, x2, y2]: readonly number[]): RgbImage {
  const image = createRgbImage(width, height);
  for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) image.data[3 * (y * width + x)] = 255;
  return image;
}

/** Extent of the pixels that are at least half red. */
function redExtent({ width, height, data }: RgbImage): number[] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[3 * (y * width + x)] < 64) continue;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  }
  return [left, top, right, bottom];
}

const rectangle = fc.record({
  width: fc.integer({ min: 40, max: 160 }),
  height: fc.integer({ min: 40, max: 160 }),
  seed: fc.integer(),
});

test('boxes follow pixels, whatever is cropped, mirrored and resized', () => {
  fc.assert(
    fc.property(rectangle, ({ width, height, seed }) => {
      const random = createRandom(`paint/${seed}`);
      const [x1, y1] = [random.int(0, width - 20), random.int(0, height - 20)];
      const box = [x1, y1, random.int(x1 + 12, width), random.int(y1 + 12, height)] as const;
      const view = randomView({ width, height }, random);
      const image = painted(width, height, box);
      const { image: seen, regions } = lookAt(image, image, [region(box)], view, { width: 96, height: 80 });
      expect([seen.width, seen.height]).toEqual([96, 80]);
      if (regions.length === 0) return;
      const found = redExtent(seen);
      for (const [i, value] of regions[0].boxXyxy.entries()) expect(Math.abs(found[i] - value)).toBeLessThan(3);
    }),
    { numRuns: 100 },
  );
});

test('an image that was made smaller while it was decoded shows the same', () => {
  const box = [40, 20, 120, 60] as const;
  const view: View = { left: 16, top: 8, width: 128, height: 64, isMirrored: true, light: [1, 1, 1] };
  const [original, target] = [
    { width: 160, height: 80 },
    { width: 64, height: 32 },
  ];
  const [large, small] = [painted(160, 80, box), painted(80, 40, [20, 10, 60, 30])];
  const seen = [large, small].map((image) => lookAt(image, original, [region(box)], view, target));
  expect(seen[1].regions).toEqual(seen[0].regions);
  for (const { image, regions } of seen) {
    for (const [i, value] of redExtent(image).entries()) {
      expect(Math.abs(value - regions[0].boxXyxy[i])).toBeLessThan(2);
    }
  }
});

describe('what a crop keeps', () => {
  const view: View = { left: 50, top: 0, width: 50, height: 100, isMirrored: false, light: [1, 1, 1] };
  const seen = (box: Region['boxXyxy']) => {
    const image = createRgbImage(100, 100);
    return lookAt(image, image, [region([0, 0, 1, 1]), region(box)], view, { width: 50, height: 100 }).regions;
  };

  test('regions outside of it are lost, the others keep their place in the sample', () => {
    expect(seen([0, 0, 40, 40])).toEqual([]);
    expect(seen([60, 10, 80, 30])).toMatchObject([{ source: 1, boxXyxy: [10, 10, 30, 30] }]);
  });

  test('a region of which two fifths are left stays, clipped; with less it goes', () => {
    expect(seen([44, 0, 54, 10])).toMatchObject([{ boxXyxy: [0, 0, 4, 10] }]);
    expect(seen([43, 0, 53, 10])).toEqual([]);
  });
});

test('views are inside of the image and of its aspect ratio, landscape and portrait', () => {
  for (const size of [
    { width: 640, height: 480 },
    { width: 480, height: 640 },
    { width: 1, height: 300 },
  ]) {
    for (let seed = 0; seed < 60; seed++) {
      const { left, top, width, height } = randomView(size, createRandom(`view/${seed}`));
      expect(left >= 0 && top >= 0 && left + width <= size.width && top + height <= size.height).toBe(true);
      expect(Math.abs(width / size.width - height / size.height)).toBeLessThan(
        0.01 + 1 / Math.min(size.width, size.height),
      );
    }
  }
});

test('mirroring is not the same as not mirroring', () => {
  const image = painted(60, 40, [0, 0, 20, 20]);
  const mirrored = { ...wholeView(image), isMirrored: true };
  const { regions } = lookAt(image, image, [region([0, 0, 20, 20])], mirrored, { width: 60, height: 40 });
  expect(regions[0].boxXyxy).toEqual([40, 0, 60, 20]);
});
