import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOrder } from './order.ts';

test('every epoch has every index once, in another order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer(), (size, seed) => {
      const order = createOrder(seed, [{ size, weight: 1 }]);
      const epochs = [0, 1].map((epoch) => Array.from({ length: size }, (_, i) => order(epoch * size + i)));
      for (const [epoch, draws] of epochs.entries()) {
        expect(draws.every((draw) => draw.epoch === epoch)).toBe(true);
        expect(new Set(draws.map(({ index }) => index)).size).toBe(size);
        expect(Math.max(...draws.map(({ index }) => index))).toBe(size - 1);
      }
      if (size > 20) expect(epochs[0].map(({ index }) => index)).not.toEqual(epochs[1].map(({ index }) => index));
    }),
    { numRuns: 60 },
  );
});

test('neighbours of the set are no neighbours of the order', () => {
  const size = 10_000;
  const order = createOrder(3, [{ size, weight: 1 }]);
  let distance = 0;
  for (let i = 1; i < size; i++) distance += Math.abs(order(i).index - order(i - 1).index) / size / (size - 1);
  expect(distance).toBeCloseTo(1 / 3, 1);
});

test('a mixture keeps its weights exactly, and each part its epochs', () => {
  const sizes = [117_266, 1000, 7];
  const order = createOrder(
    1,
    sizes.map((size, i) => ({ size, weight: [5, 3, 2][i] })),
  );
  const seen = sizes.map(() => new Map<string, number>());
  const counts = [0, 0, 0];
  for (let position = 0; position < 20_000; position++) {
    const { part, index, epoch } = order(position);
    counts[part]++;
    const key = `${epoch}/${index}`;
    seen[part].set(key, (seen[part].get(key) ?? 0) + 1);
  }
  expect(counts).toEqual([10_000, 6000, 4000]);
  for (const ofPart of seen) expect(Math.max(...ofPart.values()), 'no index comes twice in an epoch').toBe(1);
});

test('weights that do not divide a thousand keep their shares to a thousandth', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 6 }), (weights) => {
      const order = createOrder(
        2,
        weights.map((weight) => ({ size: 5000, weight })),
      );
      const counts = weights.map(() => 0);
      for (let position = 0; position < 1000; position++) counts[order(position).part]++;
      const total = weights.reduce((sum, weight) => sum + weight);
      for (const [part, weight] of weights.entries()) {
        expect(Math.abs(counts[part] - (1000 * weight) / total)).toBeLessThan(1);
      }
    }),
    { numRuns: 20 },
  );
});

test('shards of the positions partition an epoch, whoever computes them and in whatever order', () => {
  const size = 997;
  const order = createOrder(9, [{ size, weight: 1 }]);
  const shards = [2, 0, 1].map((shard) => {
    const positions = Array.from({ length: size }, (_, i) => i).filter((i) => i % 3 === shard);
    return positions.reverse().map((position) => order(position).index);
  });
  expect(shards.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
});

test('parts without samples or weight are refused', () => {
  expect(() => createOrder(1, [{ size: 0, weight: 1 }])).toThrow(/part 0.*0 samples/);
  expect(() => createOrder(1, [{ size: 5, weight: 0 }])).toThrow(/weight 0/);
});
