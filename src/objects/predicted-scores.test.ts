import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { input } from '../tensor/ops/input.ts';
import { scoresOfBoxes } from './predicted-scores.ts';

type Box = readonly [number, number, number, number];

/** Scores [B, K, C] of boxes by predictions of [corners, scores], through a session. */
async function run(predictions: readonly (readonly number[])[], boxesXyxy: readonly Box[]): Promise<number[][]> {
  const width = predictions[0].length;
  const outputs = {
    scores: scoresOfBoxes(
      input('predictions', 'float32', [1, predictions.length, width]),
      input('boxes', 'float32', [1, boxesXyxy.length, 4]),
    ),
  };
  const session = await Session.create(outputs, 'feeds', { threads: 1 });
  const boxes = boxesXyxy.flatMap(([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]);
  const { scores } = await session.run({
    predictions: hostTensor('float32', [1, predictions.length, width], Float32Array.from(predictions.flat())),
    boxes: hostTensor('float32', [1, boxesXyxy.length, 4], Float32Array.from(boxes)),
  });
  await session.dispose();
  const names = width - 4;
  return boxesXyxy.map((_, k) => Array.from((scores.data as Float32Array).subarray(k * names, (k + 1) * names)));
}

test('a box has the scores of the prediction that lies where it lies', async () => {
  const [[dog, cat], [ownDog, ownCat], [none]] = await run(
    [
      [0, 0, 0.5, 0.5, 0.8, 0.1],
      [0.5, 0.5, 1, 1, 0.2, 0.6],
    ],
    [
      [0, 0, 0.5, 0.5],
      [0.5, 0.5, 1, 1],
      [0.6, 0, 0.9, 0.3],
    ],
  );
  expect([dog, cat, ownDog, ownCat].map((value) => Number(value.toFixed(4)))).toEqual([0.8, 0.1, 0.2, 0.6]);
  expect(none).toBeLessThan(1e-5);
});

test('what overlaps less says less: as IoU to the sixth', async () => {
  const [[score]] = await run([[0, 0, 1, 0.5, 0.9]], [[0, 0, 1, 1]]);
  expect(score).toBeCloseTo(0.9 * 0.5 ** 6, 5);
});

test('of several predictions nearly the highest say, and never less than it', async () => {
  const corner = fc.double({ min: 0, max: 0.5, noNaN: true });
  const size = fc.double({ min: 0.05, max: 0.5, noNaN: true });
  const box = fc.tuple(corner, corner, size, size).map(([x, y, w, h]): Box => [x, y, x + w, y + h]);
  const prediction = fc.tuple(box, fc.double({ min: 0.01, max: 1, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(prediction, { minLength: 1, maxLength: 6 }), box, async (all, asked) => {
      const [[score]] = await run(
        all.map(([corners, value]) => [...corners, value]),
        [asked],
      );
      const highest = Math.max(...all.map(([corners, value]) => value * iou(corners, asked) ** 6));
      expect(score).toBeGreaterThan(highest * 0.999 - 1e-6);
      expect(score).toBeLessThan(highest * all.length ** 0.25 * 1.001 + 2e-6);
    }),
    { numRuns: 25 },
  );
});

function iou(a: Box, b: Box): number {
  const across = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const down = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = ([x1, y1, x2, y2]: Box) => (x2 - x1) * (y2 - y1);
  return (across * down) / (area(a) + area(b) - across * down);
}
