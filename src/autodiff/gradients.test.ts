/** What gradients do beyond the rules of single ops, which src/tensor/ops.test.ts checks. */

import { expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { topologicalOrder } from '../tensor/graph.ts';
import { ndArray } from '../tensor/nd-array.ts';
import { add } from '../tensor/ops/add.ts';
import { cast } from '../tensor/ops/cast.ts';
import { input } from '../tensor/ops/input.ts';
import { layerNorm } from '../tensor/ops/layer-norm.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { stopGradient } from '../tensor/ops/stop-gradient.ts';
import { topK } from '../tensor/ops/top-k.ts';
import { evaluateReference } from '../tensor/reference.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gradients } from './gradients.ts';

const vector = input('x', 'float32', [3]);
const feeds = { x: ndArray([3], [1, -2, 3]) };

/** dLoss/dx as numbers. */
function slope(loss: Tensor, by: Tensor = vector, values: Parameters<typeof evaluateReference>[1] = feeds): number[] {
  const [gradient] = gradients(loss, [by]);
  return Array.from(evaluateReference({ gradient }, values).gradient.data);
}

test('a tensor used twice gets the sum of both gradients', () => {
  expect(slope(reduceSum(multiply(vector, vector)))).toEqual([2, -4, 6]);
  expect(slope(reduceSum(add(add(vector, vector), multiply(vector, 3))))).toEqual([5, 5, 5]);
});

test('what is broadcast gets the sum over its repetitions', () => {
  const matrix = input('m', 'float32', ['rows', 3]);
  const column = input('c', 'float32', ['rows', 1]);
  const values = { ...feeds, m: ndArray([2, 3], [1, 2, 3, 4, 5, 6]), c: ndArray([2, 1], [10, 20]) };
  expect(slope(reduceSum(multiply(matrix, vector)), vector, values)).toEqual([5, 7, 9]);
  expect(slope(reduceSum(multiply(matrix, column)), column, values)).toEqual([6, 15]);
});

test('nothing flows through stopGradient, nor through integers', () => {
  expect(slope(reduceSum(multiply(vector, stopGradient(vector))))).toEqual([1, -2, 3]);
  expect(slope(reduceSum(cast(cast(vector, 'int64'), 'float32')))).toEqual([0, 0, 0]);
});

test('a parameter that the loss does not reach gets zeros of its own shape', () => {
  const other = input('other', 'float32', [2, 2]);
  const [gradient] = gradients(reduceSum(vector), [other]);
  expect(gradient.shape).toEqual([2, 2]);
  expect(Array.from(evaluateReference({ gradient }, feeds).gradient.data)).toEqual([0, 0, 0, 0]);
});

test('the gradient by a value inside the graph is that of the rest', () => {
  const squared = multiply(vector, vector);
  expect(slope(reduceSum(multiply(squared, squared)), squared)).toEqual([2, 8, 18]);
});

test('the gradient of the loss by itself is one', () => {
  const loss = reduceSum(vector);
  expect(slope(loss, loss)).toEqual([1]);
});

test('only the outputs that the loss depends on pass gradients back', () => {
  const { values, indices } = topK(vector, { k: 2 });
  expect(slope(reduceSum(values))).toEqual([1, 0, 1]);
  expect(slope(reduceSum(cast(indices, 'float32')))).toEqual([0, 0, 0]);
});

test('gradients of gradients are gradients', () => {
  const [first] = gradients(reduceSum(multiply(multiply(vector, vector), vector)), [vector]);
  expect(slope(reduceSum(first))).toEqual([6, -12, 18]);
});

test('a frozen weight costs nothing: its gradient is not in the graph', () => {
  const [weight, x] = [input('w', 'float32', [4, 4]), input('x', 'float32', [8, 4])];
  const loss = reduceMean(matmul(matmul(x, weight), input('frozen', 'float32', [4, 2])));
  const [gradient] = gradients(loss, [weight]);
  const products = topologicalOrder([loss, gradient]).filter(({ op }) => op.name === 'MatMul');
  // Two forward; backward one for the hidden value and one for the weight.
  expect(products.length).toBe(4);
});

test('a very deep graph is differentiated without recursion', () => {
  let y: Tensor = vector;
  for (let i = 0; i < 20_000; i++) y = add(y, 1);
  expect(slope(reduceSum(y))).toEqual([1, 1, 1]);
});

test('a loss must be a scalar', () => {
  expect(() => gradients(vector, [vector])).toThrow(ChatRexError);
  expect(() => gradients(vector, [vector])).toThrow('needs a scalar loss, not x: float32[3]; reduce it first');
});

test('a normalised value passes gradients through all three of its inputs', () => {
  const x = input('rows', 'float32', ['n', 3]);
  const [weight, bias] = [input('weight', 'float32', [3]), input('bias', 'float32', [3])];
  const [, dWeight, dBias] = gradients(reduceSum(layerNorm(x, weight, bias)), [x, weight, bias]);
  expect([dWeight.shape, dBias.shape]).toEqual([[3], [3]]);
});
