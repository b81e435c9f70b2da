import { expect, test } from 'vitest';
import { createRgbImage } from '../../image/rgb-image.ts';
import { createRandom } from '../../random.ts';
import { type MosaicSource, mosaic } from './mosaic.ts';

const random = createRandom('sources');
/** Images of two shapes with a dozen boxes each. */
const sources = Array.from({ length: 5 }, (_, i): MosaicSource => {
  const [width, height] = i % 2 === 0 ? [256, 192] : [160, 256];
  const regions = Array.from({ length: 14 }, (_, k) => {
    const [side, x, y] = [random.int(12, 90), random.range(0, width - 90), random.range(0, height - 90)];
    return {
      boxXyxy: [x, y, x + side, y + random.int(12, 90)] as const,
      category: `${i}/${k}`,
      granularities: ['coarse'] as const,
    };
  });
  return { image: createRgbImage(width, height, [9, 9, 9]), regions };
});

test('every cell holds a region of the sources, whole and inside its cell', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { image, regions } = mosaic(sources, createRandom(`mosaic/${seed}`), 256);
    expect(image.data).toHaveLength(3 * 256 * 256);
    const count = Math.sqrt(regions.length);
    expect(Number.isInteger(count)).toBe(true);
    expect(count).toBeGreaterThanOrEqual(4);
    const cell = Math.floor(256 / count);
    regions.forEach(({ boxXyxy: [x1, y1, x2, y2], category, source }, place) => {
      expect(category?.endsWith(`/${source}`)).toBe(true);
      const [left, top] = [(place % count) * cell, Math.floor(place / count) * cell];
      expect(Math.max(x2 - x1, y2 - y1)).toBeGreaterThan(0.6 * cell);
      for (const x of [x1, x2]) expect(Math.abs(x - left - cell / 2)).toBeLessThanOrEqual(cell / 2 + 1e-6);
      for (const y of [y1, y2]) expect(Math.abs(y - top - cell / 2)).toBeLessThanOrEqual(cell / 2 + 1e-6);
    });
    expect(new Set(regions.map(({ category }) => category)).size, 'each region once').toBe(regions.length);
  }
});

test('few regions make a small grid, no region an empty image', () => {
  const [{ image, regions }] = sources;
  expect(mosaic([{ image, regions: regions.slice(0, 2) }], createRandom('few'), 256).regions).toHaveLength(1);
  expect(mosaic([{ image, regions: [] }], createRandom('none'), 256).regions).toHaveLength(0);
});

test('a region longer than the shorter side of its image is clipped to its cell', () => {
  const image = createRgbImage(300, 40);
  const long = { boxXyxy: [0, 5, 300, 35] as const, granularities: ['coarse'] as const };
  const [{ boxXyxy }] = mosaic([{ image, regions: [long] }], createRandom('long'), 64).regions;
  for (const value of boxXyxy) expect(value >= 0 && value <= 64).toBe(true);
});
