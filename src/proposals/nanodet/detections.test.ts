import { expect, test } from 'vitest';
import { hostTensor } from '../../runtime/host-tensor.ts';
import { Session } from '../../runtime/session.ts';
import { input } from '../../tensor/ops/input.ts';
import { placeBoxes } from '../../vision/nanodet/place-boxes.ts';
import { formatNanoDetConfig, type NanoDetScale, parseNanoDetConfig } from './config.ts';
import { type Detection, detectionsOf, proposalsOf } from './detections.ts';
import { tinyNanoDetConfig } from './testing/tiny.ts';

const config = tinyNanoDetConfig;
const [small, large] = config.scales;
const filter = { minScore: 0.3, nmsIou: 0.6, maxBoxes: 100 };

test('distances are means over bins, in strides from the centre of a place', async () => {
  const [bins, height, width, stride] = [5, 1, 2, 8];
  const distances = input('distances', 'float32', [1, height * width, 4 * bins]);
  const logits = input('logits', 'float32', [1, height * width, 2]);
  const session = await Session.create(
    { boxes: placeBoxes([{ logits, distances, height, width, stride }], config) },
    'feeds',
  );
  // All weight on one bin for the first place (0, 1, 2, 3 strides); even weight on all, so a mean of two, for the
  // second.
  const values = new Float32Array(2 * 4 * bins);
  [0, 1, 2, 3].forEach((bin, side) => {
    values[side * bins + bin] = 50;
  });
  const { boxes } = await session.run({ distances: hostTensor('float32', [1, 2, 4 * bins], values) });
  await session.dispose();
  const found = Array.from(boxes.data as Float32Array, (value) => Number(value.toFixed(4)));
  expect(found).toEqual([4, 4 - 8, 4 + 16, 4 + 24, 12 - 16, 4 - 16, 12 + 16, 4 + 16]);
});

test('boxes go from the square to the image, clipped; what a scale leaves to another is left out', () => {
  const predictions = {
    scale: large,
    logits: Float32Array.from([0, 1, 2, -1, -9, -9]),
    boxesXyxy: Float32Array.from([-10, 0, 32, 64, 0, 0, 128, 128, 0, 0, 9, 9]),
  };
  const found = detectionsOf(predictions, { width: 256, height: 64 }, config, 0.3);
  expect(found).toEqual([{ boxXyxy: [0, 0, 64, 32], logit: 1, category: 1, scale: large }]);
});

test('of two scales the box that is likelier an object is kept, with its own name', () => {
  const one = (scale: NanoDetScale, logit: number, category: number, boxXyxy: Detection['boxXyxy']): Detection => ({
    ...{ scale, logit, category, boxXyxy },
  });
  const detections = [
    one(small, 1, 0, [0, 0, 10, 10]),
    one(large, 0, 1, [0, 0, 10, 11]),
    one(small, 3, 0, [20, 20, 30, 30]),
  ];
  const found = proposalsOf(detections, { width: 40, height: 40 }, config, filter);
  expect(found.categories).toEqual(['cup', 'dog']);
  // The box of the other scale has a say in where the bottom is.
  const [say, otherSay] = [1 / (1 + Math.exp(-2)), (1 / (1 + Math.exp(-1))) * Math.exp(-((1 / 11) ** 2) / 0.025)];
  const bottom = (11 * say + 10 * otherSay) / (say + otherSay);
  expect(Array.from(found.boxesXyxy.subarray(0, 7))).toEqual([20, 20, 30, 30, 0, 0, 10]);
  expect(found.boxesXyxy[7]).toBeCloseTo(bottom, 4);
  expect(found.scores[1]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  expect(found.categoryScores![1]).toBeCloseTo(1 / (1 + Math.exp(1)), 6);
});

test('a configuration is read as it is written, and what is wrong with another is named', () => {
  expect(parseNanoDetConfig(JSON.parse(formatNanoDetConfig(config)))).toEqual(config);
  expect(() => parseNanoDetConfig({ ...config, scales: [{ ...small, side: 100 }] })).toThrow(/multiples of 32/);
  expect(() => parseNanoDetConfig({ ...config, categories: [] })).toThrow(/categories/);
  expect(() => parseNanoDetConfig({ ...config, extra: 1 })).toThrow(/extra/);
  expect(() => parseNanoDetConfig(null)).toThrow(/stemChannels/);
});
