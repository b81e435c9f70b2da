import { expect, test } from 'vitest';
import { createScope } from '../nn/scope.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { graphOf } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { relu } from '../tensor/ops/relu.ts';
import { softmax } from '../tensor/ops/softmax.ts';
import { GradientSession } from './gradient-session.ts';
import { initializeParameters } from './parameters.ts';
import { tinyBatch, tinyModel, tinyState } from './testing/tiny-model.ts';

const snapshot = (gradients: ReadonlyMap<string, Float32Array>) =>
  new Map([...gradients].map(([name, data]) => [name, Float32Array.from(data)]));

test('gradients accumulated over parts are those of one big batch', async () => {
  const { parameters } = tinyState();
  const session = await GradientSession.create(tinyModel().loss, {}, parameters);
  const { loss } = await session.accumulate(tinyBatch(0, 24));
  const whole = snapshot(session.finish());
  let mean = 0;
  for (const start of [0, 8, 16]) mean += (await session.accumulate(tinyBatch(start, start + 8))).loss / 3;
  const parts = session.finish();
  expect(mean).toBeCloseTo(loss, 6);
  for (const [name, expected] of whole) {
    expected.forEach((value, i) => {
      expect(parts.get(name)![i]).toBeCloseTo(value, 6);
    });
  }
  await session.accumulate(tinyBatch(0, 24));
  expect(snapshot(session.finish())).toEqual(whole);
  await session.dispose();
});

test('frozen parameters get no gradient, and the others the same one', async () => {
  const { parameters } = tinyState();
  const all = await GradientSession.create(tinyModel().loss, {}, parameters);
  const isTrainable = (name: string) => name.startsWith('output.');
  const some = await GradientSession.create(tinyModel().loss, {}, parameters, { isTrainable });
  await all.accumulate(tinyBatch(0, 8));
  await some.accumulate(tinyBatch(0, 8));
  expect([...some.gradients.keys()].sort()).toEqual(['output.bias', 'output.weight']);
  for (const [name, gradient] of some.finish()) expect(gradient).toEqual(all.finish().get(name));
  await all.dispose();
  await some.dispose();
});

test('weights changed in place are read anew at every step', async () => {
  const { parameters } = tinyState();
  const session = await GradientSession.create(tinyModel().loss, {}, parameters);
  const before = (await session.accumulate(tinyBatch(0, 8))).loss;
  for (const { data } of parameters.values()) data.fill(0);
  const { target } = tinyBatch(0, 8);
  const squares = Array.from(target.data as Float32Array, (value) => value ** 2);
  const after = (await session.accumulate(tinyBatch(0, 8))).loss;
  expect(after).not.toBe(before);
  expect(after).toBeCloseTo(squares.reduce((sum, value) => sum + value, 0) / squares.length, 5);
  await session.dispose();
});

test('a session cut at its predictions gives exactly what the whole one gives', async () => {
  const { parameters } = tinyState();
  const whole = await GradientSession.create(tinyModel().loss, {}, parameters);
  const { loss, prediction } = tinyModel();
  const cut = await GradientSession.create(loss, {}, parameters, { predictions: { prediction } });
  for (const start of [0, 8, 16]) {
    const { x, target } = tinyBatch(start, start + 8);
    const expected = await whole.accumulate({ x, target });
    expect((await cut.predict({ x })).prediction.shape).toEqual([8, 1]);
    expect(await cut.accumulate({ x, target })).toEqual(expected);
    expect(snapshot(cut.gradients)).toEqual(snapshot(whole.gradients));
  }
  await whole.dispose();
  await cut.dispose();
});

test('the cut passes through branches that both halves read', async () => {
  const scope = createScope();
  const x = input('x', 'float32', [4, 6]);
  const hidden = relu(matmul(x, scope.parameter('a', [6, 5], { kind: 'normal', deviation: 1 })));
  const prediction = softmax(matmul(hidden, scope.parameter('b', [5, 3], { kind: 'normal', deviation: 1 })));
  const scores = multiply(input('choice', 'float32', [4, 3]), prediction);
  const extra = reduceMean(multiply(hidden, hidden));
  const loss = multiply(reduceMean(scores), extra);
  const parameters = initializeParameters(graphOf({ loss }).parameters.values(), 3);
  const feeds = {
    x: hostTensor(
      'float32',
      [4, 6],
      Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    ),
    choice: hostTensor(
      'float32',
      [4, 3],
      Array.from({ length: 12 }, (_, i) => Math.cos(i)),
    ),
  };
  const whole = await GradientSession.create(loss, { extra }, parameters);
  const cut = await GradientSession.create(loss, { extra }, parameters, { predictions: { prediction } });
  const expected = await whole.accumulate(feeds);
  await cut.predict({ x: feeds.x });
  expect(await cut.accumulate({ choice: feeds.choice })).toEqual(expected);
  expect(snapshot(cut.gradients)).toEqual(snapshot(whole.gradients));
});

test('a parameter without a value is named', async () => {
  await expect(GradientSession.create(tinyModel().loss, {}, new Map())).rejects.toThrow(/parameter hidden\.weight has/);
});
