import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRandom } from './random.ts';

const draw = (key: string, count = 20) => {
  const random = createRandom(key);
  return Array.from({ length: count }, () => random.next());
};

it('repeats for the same key and differs for another', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(draw(a)).toEqual(draw(a));
      if (a !== b) expect(draw(a)).not.toEqual(draw(b));
    }),
  );
});

it('forks without advancing', () => {
  const [plain, forked] = [createRandom('k'), createRandom('k')];
  forked.fork('a').next();
  expect(forked.next()).toBe(plain.next());
  expect(createRandom('k').fork('a').next()).not.toBe(createRandom('k').fork('b').next());
});

it('is uniform: ten bins of 20,000 numbers within four standard deviations', () => {
  const bins = new Array(10).fill(0);
  for (const value of draw('uniform', 20_000)) bins[Math.floor(value * 10)]++;
  for (const bin of bins) expect(Math.abs(bin - 2000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.1 * 0.9));
});

it('keeps to bounds and weights', () => {
  const random = createRandom('bounds');
  const ints = new Set(Array.from({ length: 500 }, () => random.int(2, 5)));
  expect([...ints].sort()).toEqual([2, 3, 4, 5]);
  const picks = Array.from({ length: 4000 }, () =>
    random.weighted([
      ['a', 1],
      ['b', 3],
      ['c', 0],
    ]),
  );
  expect(picks.filter((pick) => pick === 'b').length / 4000).toBeCloseTo(0.75, 1);
  expect(picks).not.toContain('c');
  expect(random.shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
});
