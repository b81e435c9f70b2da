import { expect, test } from 'vitest';
import type { Region } from '../../datasets/sample.ts';
import { createRandom } from '../../random.ts';
import { objectList, randomProposals } from './object-list.ts';

const regions = [
  [10, 10, 50, 50],
  [100, 100, 180, 160],
].map(([x1, y1, x2, y2]): Region => ({ boxXyxy: [x1, y1, x2, y2], granularities: ['coarse'] }));
const proposals = Float32Array.of(
  // almost the first object
  ...[10, 10, 50, 51],
  // finds the second, not well
  ...[100, 100, 170, 150],
  // nothing
  ...[200, 10, 240, 60],
);
const boxes = (list: { boxesXyxy: Float32Array }) =>
  Array.from({ length: list.boxesXyxy.length / 4 }, (_, i) => [...list.boxesXyxy.subarray(4 * i, 4 * i + 4)]);

test('proposals that are an object are left out, the others stand beside the objects', () => {
  const list = objectList(regions, proposals, { jitter: 0, isFound: false, random: createRandom('a') });
  const all = boxes(list);
  expect(all).toHaveLength(4);
  expect(all[list.indexOf.get(0)!]).toEqual([10, 10, 50, 50]);
  expect(all[list.indexOf.get(1)!]).toEqual([100, 100, 180, 160]);
  expect(all).toContainEqual([100, 100, 170, 150]);
  expect(all).toContainEqual([200, 10, 240, 60]);
});

test('where proposals in use overlap less, so do those beside objects', () => {
  const list = objectList(regions, proposals, {
    jitter: 0,
    isFound: false,
    mostOverlap: 0.6,
    random: createRandom('a'),
  });
  expect(boxes(list)).not.toContainEqual([100, 100, 170, 150]);
  expect(boxes(list)).toContainEqual([200, 10, 240, 60]);
});

test('as in use, objects are shown by the proposals that found them', () => {
  const list = objectList(regions, proposals, { jitter: 0.1, isFound: true, random: createRandom('b') });
  const all = boxes(list);
  expect(all).toHaveLength(3);
  expect(all[list.indexOf.get(0)!]).toEqual([10, 10, 50, 51]);
  expect(all[list.indexOf.get(1)!]).toEqual([100, 100, 170, 150]);
});

test('an object that no proposal found keeps its own box', () => {
  const none = new Float32Array(0);
  const list = objectList(regions, none, { jitter: 0, isFound: true, random: createRandom('c') });
  expect(
    boxes(list)
      .map((box) => box[0])
      .sort((a, b) => a - b),
  ).toEqual([10, 100]);
});

test('of more regions than a list holds, those that conversations name come first; crowds never', () => {
  const many = Array.from({ length: 150 }, (_, i): Region => {
    return { boxXyxy: [i, 0, i + 5, 5], granularities: ['coarse'], ...(i === 3 && { isIgnored: true }) };
  });
  const named = new Set([120, 149]);
  const list = objectList(many, new Float32Array(0), { jitter: 0, isFound: false, named, random: createRandom('d') });
  expect(list.indexOf.size).toBe(100);
  for (const region of named) expect(boxes(list)[list.indexOf.get(region)!]).toEqual([region, 0, region + 5, 5]);
  expect(list.indexOf.has(3)).toBe(false);
  const other = objectList(many, new Float32Array(0), { jitter: 0, isFound: false, named, random: createRandom('e') });
  expect([...other.indexOf.keys()].sort()).not.toEqual([...list.indexOf.keys()].sort());
});

test('random boxes lie in the image, however small it is', () => {
  for (const size of [
    { width: 40, height: 30 },
    { width: 3000, height: 200 },
  ]) {
    const found = boxes({ boxesXyxy: randomProposals([], size, 50, createRandom('f')) });
    for (const [x1, y1, x2, y2] of found) {
      expect(x1 >= 0 && y1 >= 0 && x2 <= size.width + 1e-3 && y2 <= size.height + 1e-3 && x2 > x1 && y2 > y1).toBe(
        true,
      );
    }
  }
});
