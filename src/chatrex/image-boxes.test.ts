import { describe, expect, it } from 'vitest';
import { type BoxList, chooseBoxes, type ScoredBoxes } from './image-boxes.ts';

const size = { width: 100, height: 50 };
const choose = (boxes: unknown) => chooseBoxes(boxes as BoxList | ScoredBoxes, size);

describe('boxes of an image', () => {
  it('are cut to it, and it is known which', () => {
    const { boxesXyxy, clipped } = choose([
      [1, 2, 30, 40],
      [-20, 0, 10, 60],
      [0, 0, 1e10, 1e300],
      [-1e20, 10, 100.4, 20],
      [0, 0, 100.4, 50],
    ]);
    expect([...boxesXyxy]).toEqual(
      [
        [1, 2, 30, 40],
        [0, 0, 10, 50],
        [0, 0, 100, 50],
        [0, 10, 100, 20],
        [0, 0, 100, 50],
      ].flat(),
    );
    expect(clipped).toEqual([1, 2, 3]);
  });

  it('may be flat, typed, none, and scored', () => {
    expect(choose([1, 2, 3, 4]).scores).toEqual([1]);
    expect(choose(Float32Array.of(1, 2, 3, 4)).sources).toEqual([0]);
    expect(choose([]).scores).toEqual([]);
    expect(choose({ boxesXyxy: [[1, 2, 3, 4]], scores: Float32Array.of(0.5) }).scores).toEqual([0.5]);
  });

  it.each<[unknown, RegExp]>([
    [[[200, 0, 300, 10]], /^box 0 \(200, 0, 300, 10\) lies outside the image of 100 x 50 pixels/],
    [[[0, 0, 1, 1].map((value) => value - 5)], /^box 0 .* lies outside/],
    [
      [
        [0, 0, 5, 5],
        [3, 3, 3, 9],
      ],
      /^box 1 \(3, 3, 3, 9\) has no area/,
    ],
    [[[9, 0, 3, 9]], /^box 0 .*x1 < x2/],
    [[[0, 0, Number.POSITIVE_INFINITY, 9]], /^box 0 .*finite/],
    [[[1, 2, 3]], /^box 0: expected x1, y1, x2, y2, came 3 numbers/],
    [[1, 2, 3], /4 numbers per box, came 3/],
    [[null], /^box 0: .*came null/],
    [[['a', 1, 2, 3]], /^box 0 .*finite/],
    [{}, /expected a list/],
    [5, /expected a list/],
    ['1,2,3,4', /expected a list/],
    [null, /expected a list/],
    [{ boxesXyxy: [[1, 2, 3, 4]], scores: [Number.NaN] }, /score of box 0: .*came NaN/],
    [{ boxesXyxy: [[1, 2, 3, 4]], scores: [7] }, /score of box 0: .*from 0 to 1, came 7/],
    [{ boxesXyxy: [[1, 2, 3, 4]] }, /a score for each of 1, came no list/],
  ])('%j is refused', (boxes, message) => {
    expect(() => choose(boxes)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) }),
    );
  });
});
