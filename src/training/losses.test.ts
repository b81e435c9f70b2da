/** Gradients and edges of the losses; their values are held against torch in test/torch-ops.test.ts. */

import { describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/gradients.ts';
import { type NdArray, ndArray } from '../tensor/nd-array.ts';
import { constant } from '../tensor/ops/constant.ts';
import { input } from '../tensor/ops/input.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { evaluateReference } from '../tensor/reference.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { crossEntropy, generalizedIou, l1Distance, sigmoidFocalLoss } from './losses.ts';

const labels = (...values: number[]) => constant('int64', [values.length], values);
const logits = ndArray([3, 4], [0.1, -1.2, 2, 0.4, 0, 0.3, -0.7, 1.1, 3, -2, 0.5, 0.2]);
const boxes = ndArray([3, 4], [0, 0, 4, 3, 1.1, 1.2, 5, 6, 0.5, 7, 2, 9]);
const targets = constant('float32', [3, 4], [1, 0.5, 5, 4, 0.5, 2, 3.3, 5, 6, 0, 8, 2]);

const losses: Record<string, { start: NdArray; loss: (x: Tensor) => Tensor }> = {
  crossEntropy: { start: logits, loss: (x) => crossEntropy(x, labels(2, -100, 0)) },
  sigmoidFocalLoss: {
    start: logits,
    loss: (x) => reduceSum(sigmoidFocalLoss(x, constant('float32', [4], [0, 1, 0.3, 0]), { alpha: 0.3, gamma: 1.5 })),
  },
  l1Distance: { start: boxes, loss: (x) => reduceSum(l1Distance(x, targets)) },
  generalizedIou: { start: boxes, loss: (x) => reduceSum(generalizedIou(x, targets)) },
};

describe('gradients agree with central differences', () => {
  test.each(Object.entries(losses))('%s', (_, { start, loss: build }) => {
    const x = input('x', 'float32', start.shape);
    const loss = build(x);
    const [gradient] = gradients(loss, [x]);
    const { data } = evaluateReference({ gradient }, { x: start }).gradient;
    const lossAt = (i: number, delta: number) =>
      evaluateReference({ loss }, { x: ndArray(start.shape, start.data.with(i, start.data[i] + delta)) }).loss.data[0];
    for (let i = 0; i < data.length; i++) expect(data[i]).toBeCloseTo((lossAt(i, 1e-5) - lossAt(i, -1e-5)) / 2e-5, 6);
  });
});

test('without any label that counts, cross-entropy and its gradient are zero', () => {
  const x = input('x', 'float32', [3, 4]);
  const loss = crossEntropy(x, labels(-100, -100, -100));
  const [gradient] = gradients(loss, [x]);
  const results = evaluateReference({ loss, gradient }, { x: logits });
  expect(Math.abs(results.loss.data[0])).toBe(0);
  expect(results.gradient.data.every((value) => value === 0)).toBe(true);
});

test('boxes without area overlap by nothing, and give no infinite slopes', () => {
  const x = input('x', 'float32', [2, 4]);
  const points = constant('float32', [2, 4], [1, 1, 1, 1, 5, 5, 5, 5]);
  const overlap = generalizedIou(x, points);
  const [gradient] = gradients(reduceSum(overlap), [x]);
  const results = evaluateReference({ overlap, gradient }, { x: ndArray([2, 4], [1, 1, 1, 1, 0, 0, 0, 0]) });
  expect(Array.from(results.overlap.data)).toEqual([0, -1]);
  expect(results.gradient.data.every(Number.isFinite)).toBe(true);
});

test('focal loss of certain answers neither overflows nor vanishes into NaN', () => {
  const x = constant('float32', [4], [90, -90, 90, -90]);
  const loss = sigmoidFocalLoss(x, constant('float32', [4], [1, 0, 0, 1]));
  const { data } = evaluateReference({ loss }, {}).loss;
  expect(Array.from(data, (value) => Math.round(value * 100) / 100)).toEqual([0, 0, 67.5, 22.5]);
});

test('boxes have four coordinates', () => {
  const three = constant('float32', [1, 3], [0, 0, 1]);
  expect(() => generalizedIou(three, three)).toThrow('boxes must be [..., 4], not [1,3], [1,3]');
});
