import { expect, test } from 'vitest';
import { createRandom } from '../../random.ts';
import type { SceneObject } from '../../world/scene.ts';
import { objectList } from './object-list.ts';

const objects = [
  [10, 10, 50, 50],
  [100, 100, 180, 160],
].map((boxXyxy) => ({ boxXyxy }) as unknown as SceneObject);
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
  const list = objectList({ objects }, proposals, { jitter: 0, isFound: false, random: createRandom('a') });
  const all = boxes(list);
  expect(all).toHaveLength(4);
  expect(all[list.indexOf.get(0)!]).toEqual([10, 10, 50, 50]);
  expect(all[list.indexOf.get(1)!]).toEqual([100, 100, 180, 160]);
  expect(all).toContainEqual([100, 100, 170, 150]);
  expect(all).toContainEqual([200, 10, 240, 60]);
});

test('where proposals in use overlap less, so do those beside objects', () => {
  const list = objectList({ objects }, proposals, {
    jitter: 0,
    isFound: false,
    mostOverlap: 0.6,
    random: createRandom('a'),
  });
  expect(boxes(list)).not.toContainEqual([100, 100, 170, 150]);
  expect(boxes(list)).toContainEqual([200, 10, 240, 60]);
});

test('as in use, objects are shown by the proposals that found them', () => {
  const list = objectList({ objects }, proposals, { jitter: 0.1, isFound: true, random: createRandom('b') });
  const all = boxes(list);
  expect(all).toHaveLength(3);
  expect(all[list.indexOf.get(0)!]).toEqual([10, 10, 50, 51]);
  expect(all[list.indexOf.get(1)!]).toEqual([100, 100, 170, 150]);
});

test('an object that no proposal found keeps its own box', () => {
  const none = new Float32Array(0);
  const list = objectList({ objects }, none, { jitter: 0, isFound: true, random: createRandom('c') });
  expect(
    boxes(list)
      .map((box) => box[0])
      .sort((a, b) => a - b),
  ).toEqual([10, 100]);
});
