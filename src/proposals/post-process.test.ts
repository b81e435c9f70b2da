import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countBoxes } from '../boxes/box-array.ts';
import { iou } from '../boxes/overlap.ts';
import { completeFilter, defaultFilter, filterPredictions } from './post-process.ts';

const size = { width: 640, height: 427 };
const predictions = fc
  .array(
    fc.tuple(
      fc.float({ min: -8, max: 8, noNaN: true }),
      ...new Array(4).fill(fc.float({ min: 0, max: 1, noNaN: true })),
    ),
    {
      maxLength: 130,
    },
  )
  .map((rows) => ({
    logits: Float32Array.from(rows, ([logit]) => logit as number),
    boxesCxcywhNormalized: Float32Array.from(rows.flatMap(([, ...box]) => box as number[])),
  }));

test('boxes lie inside the image, best first, above the threshold, apart, at most so many', () => {
  fc.assert(
    fc.property(predictions, predictions, fc.nat(60), (fine, coarse, maxBoxes) => {
      const prompts = [
        { granularity: 'fine' as const, ...fine },
        { granularity: 'coarse' as const, ...coarse },
      ];
      const { boxesXyxy, scores, granularities } = filterPredictions(prompts, size, { ...defaultFilter, maxBoxes });
      expect(countBoxes(boxesXyxy)).toBe(scores.length);
      expect(granularities.length).toBe(scores.length);
      expect(scores.length).toBeLessThanOrEqual(maxBoxes);
      scores.forEach((score, i) => {
        const [left, top, right, bottom] = boxesXyxy.subarray(4 * i, 4 * i + 4);
        expect(left >= 0 && top >= 0 && right <= size.width && bottom <= size.height).toBe(true);
        expect(right > left && bottom > top).toBe(true);
        expect(score).toBeGreaterThanOrEqual(Math.fround(defaultFilter.minScore));
        expect(i === 0 || score <= scores[i - 1]).toBe(true);
      });
      iou(boxesXyxy, boxesXyxy).forEach((overlap, at) => {
        if (Math.floor(at / scores.length) !== at % scores.length)
          expect(overlap).toBeLessThan(defaultFilter.nmsIou + 1e-6);
      });
    }),
    { numRuns: 60 },
  );
});

test('floats stay floats, and no box is a result', () => {
  const logits = Float32Array.of(4, -9);
  const boxesCxcywhNormalized = Float32Array.of(0.5, 0.5, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1);
  const prompt = { granularity: 'fine', logits, boxesCxcywhNormalized } as const;
  const found = filterPredictions([prompt], { width: 101, height: 77 }, defaultFilter);
  [40.4, 26.95, 60.6, 50.05].forEach((value, i) => {
    expect(found.boxesXyxy[i]).toBeCloseTo(value, 4);
  });
  expect(found.scores[0]).toBeCloseTo(1 / (1 + Math.exp(-4)), 6);
  const none = filterPredictions([prompt], size, { ...defaultFilter, minScore: 0.99 });
  expect(none).toMatchObject({ scores: new Float32Array(0), boxesXyxy: new Float32Array(0), granularities: [] });
});

test('one object found by both prompts is kept once, under the better one', () => {
  const boxesCxcywhNormalized = Float32Array.of(0.5, 0.5, 0.2, 0.3);
  const prompts = [
    { granularity: 'coarse' as const, logits: Float32Array.of(1), boxesCxcywhNormalized },
    { granularity: 'fine' as const, logits: Float32Array.of(2), boxesCxcywhNormalized },
  ];
  expect(filterPredictions(prompts, size, defaultFilter).granularities).toEqual(['fine']);
  expect(filterPredictions(prompts, size, { ...defaultFilter, nmsIou: 1 }).granularities).toEqual(['fine', 'coarse']);
});

test('options out of range are named', () => {
  expect(() => completeFilter({ minScore: 2 })).toThrow('minScore must be between 0 and 1, not 2');
  expect(() => completeFilter({ nmsIou: Number.NaN })).toThrow('nmsIou');
  expect(() => completeFilter({ maxBoxes: 1.5 })).toThrow('maxBoxes');
});

test('a box whose score is the threshold stays', () => {
  const prompt = {
    granularity: 'fine',
    logits: Float32Array.of(0),
    boxesCxcywhNormalized: new Float32Array(4).fill(0.5),
  };
  expect(filterPredictions([prompt as never], size, { ...defaultFilter, minScore: 0.5 }).scores).toHaveLength(1);
});
