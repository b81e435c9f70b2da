import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ImageTransform,
  placeOnCanvas,
  shortestSideSize,
  shortestSideTransform,
  squareTransform,
  toCanvas,
  toOriginal,
} from './transform.ts';

const officialSizes: [number, number, number, number][] = JSON.parse(
  readFileSync(new URL('../../fixtures/image/sizes.json', import.meta.url), 'utf8'),
);

const side = fc.integer({ min: 1, max: 20_000 });
const transform: fc.Arbitrary<ImageTransform> = fc.oneof(
  fc.tuple(side, side).map(([width, height]) => shortestSideTransform({ width, height })),
  fc
    .tuple(side, side, fc.constantFrom(32, 336, 768))
    .map(([width, height, s]) => squareTransform({ width, height }, s)),
  fc.tuple(side, side).map(([width, height]) => {
    const resized = shortestSideTransform({ width, height });
    return placeOnCanvas(resized, { width: resized.canvas.width + 64, height: resized.canvas.height + 7 });
  }),
);
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

describe('shortestSideSize', () => {
  it('gives the size that the official transform gives', () => {
    for (const [width, height, expectedWidth, expectedHeight] of officialSizes) {
      expect(shortestSideSize({ width, height }), `${width} x ${height}`).toEqual({
        width: expectedWidth,
        height: expectedHeight,
      });
    }
  });

  it('gives a strip at least one pixel where the official rule gives none', () => {
    expect(shortestSideSize({ width: 20_000, height: 1 })).toEqual({ width: 1333, height: 1 });
    expect(shortestSideSize({ width: 1, height: 20_000 })).toEqual({ width: 1, height: 1333 });
  });
});

describe('ImageTransform', () => {
  it('returns every box of the image within half a pixel, in float32 too', () => {
    fc.assert(
      fc.property(transform, fraction, fraction, fraction, fraction, (t, a, b, c, d) => {
        const { width, height } = t.original;
        const boxesXyxy = Float32Array.of(a * width, b * height, c * width, d * height);
        const back = toOriginal(t, toCanvas(t, boxesXyxy));
        for (let at = 0; at < 4; at++) expect(Math.abs(back[at] - boxesXyxy[at])).toBeLessThan(0.05);
      }),
    );
  });

  it('keeps boxes of the image within the canvas', () => {
    fc.assert(
      fc.property(transform, (t) => {
        const [left, top, right, bottom] = toCanvas(t, Float64Array.of(0, 0, t.original.width, t.original.height));
        expect(left).toBeGreaterThanOrEqual(0);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(right).toBeLessThanOrEqual(t.content.width + 1e-6);
        expect(bottom).toBeLessThanOrEqual(t.content.height + 1e-6);
      }),
    );
  });

  it('centres an image on its square as the official pad_boxes and resize_boxes', () => {
    // 100 x 51: (100 - 51) // 2 = 24 rows above, 25 below; then 100 -> 336.
    const boxes = toCanvas(
      squareTransform({ width: 100, height: 51 }, 336),
      Float64Array.of(0, 0, 100, 51, 10, 5, 20, 9),
    );
    const expected = [0, 24, 100, 75, 10, 29, 20, 33].map((value) => value * 3.36);
    boxes.forEach((value, at) => {
      expect(value).toBeCloseTo(expected[at], 9);
    });
  });

  it('moves nothing when the canvas grows, and refuses one that is too small', () => {
    const resized = shortestSideTransform({ width: 640, height: 480 });
    const placed = placeOnCanvas(resized, { width: 1344, height: 1344 });
    expect(placed).toEqual({ ...resized, canvas: { width: 1344, height: 1344 } });
    expect(() => placeOnCanvas(resized, { width: 1066, height: 799 })).toThrow(/1066 x 800 does not fit .* 1066 x 799/);
  });

  it('takes no boxes, and refuses a broken list', () => {
    const t = squareTransform({ width: 5, height: 9 }, 32);
    expect(toCanvas(t, new Float32Array(0))).toEqual(new Float32Array(0));
    expect(() => toOriginal(t, new Float32Array(5))).toThrow(/4 numbers per box/);
  });
});

it('an odd pixel of padding goes right or below', () => {
  expect(squareTransform({ width: 5, height: 8 }, 8)).toMatchObject({ offsetX: 1, offsetY: 0 });
  expect(squareTransform({ width: 8, height: 5 }, 8)).toMatchObject({ offsetX: 0, offsetY: 1 });
});
