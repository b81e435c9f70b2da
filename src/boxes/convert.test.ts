import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoxArray } from './box-array.ts';
import {
  clipBoxes,
  cxcywhToXyxy,
  denormalizeBoxes,
  normalizeBoxes,
  xywhToXyxy,
  xyxyToCxcywh,
  xyxyToXywh,
} from './convert.ts';
import { boxesXyxy } from './testing/arbitraries.ts';

const expectClose = (a: BoxArray, b: BoxArray, tolerance = 1e-4) => {
  expect(a).toHaveLength(b.length);
  a.forEach((value: number, i: number) => {
    expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance);
  });
};

describe('conversions', () => {
  const xyxy = new Float32Array([10, 20, 40, 60]);
  it('give the written-out values', () => {
    expect([...xyxyToCxcywh(xyxy)]).toEqual([25, 40, 30, 40]);
    expect([...xyxyToXywh(xyxy)]).toEqual([10, 20, 30, 40]);
    expect([...normalizeBoxes(xyxy, 80, 80)]).toEqual([0.125, 0.25, 0.5, 0.75]);
    expect([...xyxy]).toEqual([10, 20, 40, 60]);
  });

  it('keep the kind of array and accept no boxes', () => {
    expect(xyxyToXywh(new Float64Array(4))).toBeInstanceOf(Float64Array);
    expect(cxcywhToXyxy(new Float32Array(0))).toEqual(new Float32Array(0));
    expect(() => xywhToXyxy(new Float32Array(6))).toThrow('4 numbers per box');
  });

  it('return where they came from', () => {
    fc.assert(
      fc.property(boxesXyxy(), fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 4000 }), (boxes, w, h) => {
        expectClose(cxcywhToXyxy(xyxyToCxcywh(boxes)), boxes);
        expectClose(xywhToXyxy(xyxyToXywh(boxes)), boxes);
        expectClose(denormalizeBoxes(normalizeBoxes(boxes, w, h), w, h), boxes);
      }),
    );
  });

  it('clip into the image, and leave what is inside alone', () => {
    fc.assert(
      fc.property(boxesXyxy(), (boxes) => {
        const clipped = clipBoxes(boxes, 64, 48);
        clipped.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(i % 2 === 0 ? 64 : 48);
        });
        expect(clipBoxes(clipped, 64, 48)).toEqual(clipped);
      }),
    );
    expect([...clipBoxes(new Float32Array([-5, 3, 70, 20, 80, 60, 90, 70]), 64, 48)]).toEqual([
      0, 3, 64, 20, 64, 48, 64, 48,
    ]);
  });
});
