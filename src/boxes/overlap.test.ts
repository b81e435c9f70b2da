import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxArea, generalizedIou, iou } from './overlap.ts';
import { boxesXyxy } from './testing/arbitraries.ts';

const { overlap } = JSON.parse(readFileSync(new URL('../../fixtures/boxes/torchvision.json', import.meta.url), 'utf8'));

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

describe('overlap equals torchvision', () => {
  const [a, b] = [new Float64Array(overlap.a), new Float64Array(overlap.b)];
  it('iou', () => expect(largestDifference(iou(a, b), overlap.iou)).toBeLessThan(2e-6));
  it('generalized iou', () => expect(largestDifference(generalizedIou(a, b), overlap.giou)).toBeLessThan(2e-6));
});

describe('overlap', () => {
  it('knows the textbook values', () => {
    const boxes = new Float32Array([0, 0, 2, 2, 1, 1, 3, 3, 4, 0, 5, 1]);
    expect([...boxArea(boxes)]).toEqual([4, 4, 1]);
    expect([...iou(boxes.subarray(0, 4), boxes)]).toEqual([1, 1 / 7, 0]);
    const [same, touching, apart] = generalizedIou(boxes.subarray(0, 4), boxes);
    expect(same).toBe(1);
    expect(touching).toBeCloseTo(1 / 7 - 2 / 9, 12);
    expect(apart).toBeCloseTo(-5 / 10, 12);
  });

  it('treats empty and reversed boxes as empty', () => {
    const boxes = new Float32Array([1, 1, 1, 1, 3, 3, 2, 4, 0, 0, 2, 2]);
    expect([...boxArea(boxes)]).toEqual([0, 0, 4]);
    expect([...iou(boxes, boxes)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1]);
    for (const value of generalizedIou(boxes, boxes)) expect(Math.abs(value)).toBeLessThanOrEqual(1);
  });

  it('gives an empty matrix for no boxes', () => {
    expect(iou(new Float32Array(0), new Float32Array(8))).toHaveLength(0);
    expect(generalizedIou(new Float32Array(8), new Float32Array(0))).toHaveLength(0);
    expect(boxArea(new Float64Array(0))).toHaveLength(0);
  });

  it('is symmetric, in range, and iou is at least generalized iou', () => {
    fc.assert(
      fc.property(boxesXyxy(), boxesXyxy(), (a, b) => {
        const [rows, columns] = [a.length / 4, b.length / 4];
        const [ab, ba, generalized] = [iou(a, b), iou(b, a), generalizedIou(a, b)];
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const value = ab[i * columns + j];
            expect(value).toBeCloseTo(ba[j * rows + i], 12);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1 + 1e-12);
            expect(generalized[i * columns + j]).toBeLessThanOrEqual(value + 1e-12);
            expect(generalized[i * columns + j]).toBeGreaterThanOrEqual(-1 - 1e-12);
          }
        }
      }),
    );
  });
});
