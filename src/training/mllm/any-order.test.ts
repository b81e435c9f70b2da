import { expect, test } from 'vitest';
import type { ImageTexts } from '../../chatrex/pack-texts.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { ndArray } from '../../tensor/nd-array.ts';
import { constant } from '../../tensor/ops/constant.ts';
import { evaluateReference } from '../../tensor/reference.ts';
import { answeringInAnyOrder, anyOrderFeeds } from './any-order.ts';

/** Tokens 4 to 6 stand for objects; the answer is a word, a list of three, its end. */
const objectIds = [4, 5, 6];
const image: ImageTexts = {
  prefix: [],
  texts: [{ ids: [0, 1, 6, 4, 5, 2], isTarget: [false, true, true, true, true, true] }],
};
const feeds = anyOrderFeeds([image], objectIds);
const rowsOf = ({ data, shape: [rows, width] }: HostTensor) =>
  Array.from({ length: rows }, (_, n) => Array.from(data.subarray(n * width, (n + 1) * width), Number));
const isRight = rowsOf(feeds['is right']);
const right = rowsOf(feeds['right tokens']).map((ids, n) => ids.filter((_, i) => isRight[n][i] === 0));
const open = rowsOf(feeds['listed objects']).map((values) =>
  [0, 1, 2, 3, 4, 5, 6].filter((id) => !objectIds.includes(id) || values[objectIds.indexOf(id)] === 0),
);

test('where an object is due, all that are still to come are right, the label first', () => {
  expect(right).toEqual([[1], [6, 4, 5], [4, 5], [5], [2]]);
  expect(isRight.flat().every((value) => value === 0 || value < -1e8)).toBe(true);
});

test('nothing that is fed is as wide as the vocabulary', () => {
  const wide = anyOrderFeeds([image], objectIds);
  expect(Object.values(wide).map(({ shape }) => shape)).toEqual([[3], [5, 3], [5, 3], [5, 3]]);
});

test('what is in the list cannot come again, until the list has ended', () => {
  expect(open.map((ids) => ids.filter((id) => objectIds.includes(id)))).toEqual([
    [4, 5, 6],
    [4, 5, 6],
    [4, 5],
    [5],
    [],
  ]);
  expect(open.every((ids) => [0, 1, 2, 3].every((id) => ids.includes(id)))).toBe(true);
});

test('the loss is that of the right tokens together', () => {
  const values = Array.from({ length: 35 }, (_, i) => Math.sin(3 * i));
  const labels = [1, 6, 4, 5, 2];
  const answering = answeringInAnyOrder(constant('float32', [5, 7], values), constant('int64', [5], labels));
  const inputs = Object.entries(feeds).map(([name, { shape, data }]) => [
    name,
    ndArray(shape, Array.from(data, Number)),
  ]);
  const { loss, accuracy } = evaluateReference(answering, Object.fromEntries(inputs));
  const lossAt = (n: number) => {
    const exp = values.slice(7 * n, 7 * n + 7).map(Math.exp);
    const among = (ids: number[]) => ids.reduce((sum, id) => sum + exp[id], 0);
    return -Math.log(among(right[n]) / among(open[n]));
  };
  const best = open.map((ids, n) => ids.reduce((best, id) => (values[7 * n + id] > values[7 * n + best] ? id : best)));
  expect(accuracy.data[0]).toBeCloseTo(best.filter((id, n) => right[n].includes(id)).length / 5, 5);
  expect(best.some((id, n) => right[n].includes(id) && id !== labels[n])).toBe(true);
  expect(loss.data[0]).toBeCloseTo([0, 1, 2, 3, 4].reduce((sum, n) => sum + lossAt(n), 0) / 5, 5);
});
