import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskBounds, runLengths } from './mask-bounds.ts';

/** COCO's text form, written from its description. */
function packCounts(runs: readonly number[]): string {
  let text = '';
  for (const [at, run] of runs.entries()) {
    let value = at > 2 ? run - runs[at - 2] : run;
    for (;;) {
      const bits = value & 31;
      value >>= 5;
      const isLast = (bits & 16) !== 0 ? value === -1 : value === 0;
      text += String.fromCharCode(48 + bits + (isLast ? 0 : 32));
      if (isLast) break;
    }
  }
  return text;
}

/** Runs of a mask of 0 and 1, column by column. */
function runsOf(mask: readonly (readonly number[])[], width: number): number[] {
  const runs = [0];
  let current = 0;
  for (let x = 0; x < width; x++) {
    for (const row of mask) {
      if (row[x] !== current) {
        runs.push(0);
        current = row[x];
      }
      runs[runs.length - 1]++;
    }
  }
  return runs;
}

const mask = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([width, height]) =>
    fc.array(fc.array(fc.nat(1), { minLength: width, maxLength: width }), { minLength: height, maxLength: height }),
  );

describe('masks', () => {
  it('of run lengths have the box and area of their pixels, packed or not', () => {
    fc.assert(
      fc.property(mask, (rows) => {
        const [width, height] = [rows[0].length, rows.length];
        const pixels = rows.flatMap((row, y) => row.flatMap((bit, x) => (bit ? [[x, y]] : [])));
        const [xs, ys] = [pixels.map(([x]) => x), pixels.map(([, y]) => y)];
        const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
        const runs = runsOf(rows, width);
        for (const counts of [runs, packCounts(runs)]) {
          const found = runLengths({ size: [height, width], counts });
          expect(found?.areaPixels).toBe(pixels.length);
          expect(found?.bounds).toEqual(pixels.length === 0 ? undefined : box);
        }
      }),
    );
  });

  it('of polygons have the box of their corners', () => {
    expect(
      maskBounds([
        [1, 2, 9, 2, 9, 8],
        [0, 5, 1, 5, 1, 6],
      ]),
    ).toEqual([0, 2, 9, 8]);
    expect(maskBounds([3, 4, 5, 6, 5, 4])).toEqual([3, 4, 5, 6]);
  });

  it.each([
    [null],
    ['text'],
    [[]],
    [[[1, 2, 3]]],
    [[['a', 1, 2, 3]]],
    [{ size: [2, 2], counts: [1, 9] }],
    [{ size: [2, 2], counts: 'zz~' }],
    [{ counts: [1] }],
    [{ size: [0, 2], counts: [] }],
    [{ size: [2, 2], counts: [-1] }],
  ])('that are none: %j', (value) => {
    expect(maskBounds(value)).toBeUndefined();
  });

  it('of text that never ends its number are none, in no time', () => {
    expect(maskBounds({ size: [5, 5], counts: 'o'.repeat(1000) })).toBeUndefined();
    fc.assert(fc.property(fc.string(), (counts) => void maskBounds({ size: [50, 50], counts })));
  });
});
