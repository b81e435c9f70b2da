import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cxcywhToXyxy } from '../../boxes/convert.ts';
import { iou } from '../../boxes/overlap.ts';
import { createRandom } from '../../random.ts';
import { denoisingGroup, denoisingMask } from './denoising.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Boxes well inside of the image, [K, 4] centre and size. */
function boxesOf(count: number, seed: number): Float32Array {
  const random = createRandom(`boxes/${seed}`);
  return Float32Array.from(
    Array.from({ length: count }, () => {
      const [w, h] = [random.range(0.1, 0.3), random.range(0.1, 0.3)];
      return [random.range(0.3, 0.7), random.range(0.3, 0.7), w, h];
    }).flat(),
  );
}

const noisedBox = (group: { boxesUnsigmoid: Float32Array }, query: number) =>
  Float32Array.from(group.boxesUnsigmoid.subarray(4 * query, 4 * query + 4), sigmoid);

test('queries come in pairs: a positive that must find its object, and a negative that must find nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 2, max: 40 }),
      fc.integer(),
      (count, queries, seed) => {
        const objects = boxesOf(count, seed);
        const group = denoisingGroup(objects, queries, createRandom(`noise/${seed}`));
        const pairs = Math.floor(queries / 2);
        expect(group.positives).toBe(pairs);
        const found = [...group.object].filter((object) => object >= 0);
        expect(found).toHaveLength(pairs);
        for (let pair = 0; pair < pairs; pair++) {
          expect(group.object[2 * pair]).toBeGreaterThanOrEqual(0);
          expect(group.object[2 * pair + 1]).toBe(-1);
          expect(group.copy[2 * pair]).toBe(Math.floor(pair / count));
          expect(group.copy[2 * pair + 1]).toBe(group.copy[2 * pair]);
        }
        // Every object is noised equally often, as far as the pairs go around.
        const times = Array.from({ length: count }, (_, object) => found.filter((one) => one === object).length);
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 40 },
  );
});

test('corners of positives move by less than .8 of half the box, and negatives are farther away', () => {
  let [nearer, seen] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const objects = boxesOf(1, seed);
    const [object] = [cxcywhToXyxy(objects)];
    const group = denoisingGroup(objects, 2, createRandom(`ring/${seed}`));
    const shifts = [0, 1].map((query) => {
      const corners = cxcywhToXyxy(noisedBox(group, query));
      return [...corners].map((value, i) => Math.abs(value - object[i]) / (objects[2 + (i % 2)] / 2));
    });
    for (const shift of shifts[0]) expect(shift).toBeLessThanOrEqual(0.8 + 1e-3);
    const overlaps = [0, 1].map((query) => iou(cxcywhToXyxy(noisedBox(group, query)), object)[0]);
    seen++;
    if (overlaps[0] > overlaps[1]) nearer++;
  }
  expect(nearer / seen, 'a positive overlaps its object more than its negative').toBeGreaterThan(0.9);
});

test('an image without objects has no noised queries in use', () => {
  const group = denoisingGroup(new Float32Array(0), 10, createRandom('none'));
  expect([...group.isUsed].every((used) => used === 0)).toBe(true);
  expect(group.positives).toBe(0);
  expect(group.boxesUnsigmoid.every(Number.isFinite)).toBe(true);
});

test('the mask hides ground truth from selected queries, and copies from each other', () => {
  const group = denoisingGroup(boxesOf(2, 1), 8, createRandom('mask'));
  const [queries, selected] = [8, 3];
  const count = queries + selected;
  const mask = new Float32Array(count * count);
  denoisingMask(group, selected, mask);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const [isNoisedRow, isNoisedColumn] = [row < queries, column < queries];
      const isOwnCopy = isNoisedRow && isNoisedColumn && group.copy[row] === group.copy[column];
      const sees = isOwnCopy || (!isNoisedRow && !isNoisedColumn);
      expect(mask[row * count + column] === 0, `${row} sees ${column}`).toBe(sees);
      if (!sees) expect(mask[row * count + column]).toBeLessThan(-1000);
    }
  }
});
