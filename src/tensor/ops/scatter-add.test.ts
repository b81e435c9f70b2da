/** Sums into few places from many threads: what ONNX Runtime's ScatterND gets wrong when it is left to itself. */

import { expect, test } from 'vitest';
import { hostTensor } from '../../runtime/host-tensor.ts';
import { Session } from '../../runtime/session.ts';
import { createRandom } from '../testing/op-case.ts';
import { input } from './input.ts';
import { scatterAdd } from './scatter-add.ts';

test.each([
  [5000, 320, 40],
  [60_000, 8, 3],
  [700_000, 1, 1000],
])('%i rows of %i into %i places on four threads, the same every time', async (rows, width, places) => {
  const random = createRandom(rows);
  const updates = Float32Array.from({ length: rows * width }, () => random() - 0.5);
  const indices = BigInt64Array.from({ length: rows }, () => BigInt(Math.floor(random() * places)));
  const expected = new Float64Array(places * width);
  for (let i = 0; i < updates.length; i++) {
    expected[Number(indices[Math.floor(i / width)]) * width + (i % width)] += updates[i];
  }
  const [x, index] = [input('x', 'float32', [rows, width]), input('index', 'int64', [rows])];
  const session = await Session.create({ sum: scatterAdd(x, index, { axis: 0, size: places }) }, 'feeds', {
    threads: 4,
  });
  const feeds = { x: hostTensor('float32', [rows, width], updates), index: hostTensor('int64', [rows], indices) };
  const first = (await session.run(feeds)).sum.data as Float32Array;
  const worst = first.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  expect(worst).toBeLessThan(2e-3);
  for (let i = 0; i < 5; i++) {
    const again = (await session.run(feeds)).sum.data as Float32Array;
    expect(Buffer.compare(Buffer.from(again.buffer), Buffer.from(first.buffer))).toBe(0);
  }
  await session.dispose();
});
