import { expect, test } from 'vitest';
import { hostTensor } from '../../runtime/host-tensor.ts';
import { Session } from '../../runtime/session.ts';
import { input } from '../../tensor/ops/input.ts';
import { likeliestPredictions } from './predictions.ts';

test('the likeliest places come first, with boxes as shares of the image, cut at its edges', async () => {
  const [bins, height, width, stride, categoryCount] = [5, 1, 2, 8, 2];
  const level = {
    ...{ height, width, stride },
    logits: input('logits', 'float32', [1, 2, categoryCount]),
    distances: input('distances', 'float32', [1, 2, 4 * bins]),
  };
  const sizes = { maxDistance: bins - 1, categoryCount };
  const outputs = {
    all: likeliestPredictions([level], sizes, { side: 16, count: 9 }),
    one: likeliestPredictions([level], sizes, { side: 16, count: 1 }),
  };
  const session = await Session.create(outputs, 'feeds', { threads: 1 });
  const distances = new Float32Array(2 * 4 * bins);
  // The first place reaches half a stride to every side, nearly: all weight on bins 0 and 1. The second far out.
  for (let side = 0; side < 4; side++) {
    distances[side * bins] = 50;
    distances[side * bins + 1] = 50;
    distances[(4 + side) * bins + 4] = 50;
  }
  const { all, one } = await session.run({
    logits: hostTensor('float32', [1, 2, 2], Float32Array.of(0, -9, -9, 1)),
    distances: hostTensor('float32', [1, 2, 4 * bins], distances),
  });
  await session.dispose();
  expect(all.shape).toEqual([1, 2, 6]);
  const [likely, less] = [0, 6].map((start) => Array.from((all.data as Float32Array).subarray(start, start + 6)));
  const short = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3)));
  expect(short(likely)).toEqual([0, 0, 1, 1, 0, 0.731]);
  expect(short(less)).toEqual([0, 0, 0.5, 0.5, 0.5, 0]);
  expect(Array.from(one.data as Float32Array)).toEqual(likely);
});
