import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { chooseToken, requireSampling } from './sampling.ts';

const logits = Float32Array.from([1, 3, 2, -Infinity, 0]);

describe('choosing a token', () => {
  it('takes the likeliest at temperature 0', () => {
    const { id, probability } = chooseToken(logits, {}, createRandom('any'));
    expect(id).toBe(1);
    expect(probability).toBeCloseTo(Math.exp(3) / (Math.exp(1) + Math.exp(3) + Math.exp(2) + 1), 6);
  });

  it('samples each token as often as its probability says', () => {
    const random = createRandom('frequencies');
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 20_000; i++) counts[chooseToken(logits, { temperature: 2 }, random).id]++;
    const weights = [...logits].map((logit) => Math.exp(logit / 2));
    const total = weights.reduce((sum, weight) => sum + weight);
    counts.forEach((count, id) => {
      expect(Math.abs(count / 20_000 - weights[id] / total)).toBeLessThan(0.015);
    });
  });

  it('samples only from the nucleus', () => {
    const random = createRandom('nucleus');
    const seen = new Set<number>();
    for (let i = 0; i < 500; i++) seen.add(chooseToken(logits, { temperature: 1, topP: 0.8 }, random).id);
    // Probabilities are 0.09, 0.64, 0.24, 0, 0.03: two tokens reach 0.8.
    expect([...seen].sort()).toEqual([1, 2]);
  });

  it('never takes a masked token', () => {
    const masked = fc.array(fc.option(fc.float({ min: -40, max: 40, noNaN: true })), { minLength: 1, maxLength: 30 });
    const options = fc.record({ temperature: fc.constantFrom(0, 0.1, 1, 5), topP: fc.constantFrom(0.01, 0.5, 1) });
    fc.assert(
      fc.property(masked, options, fc.string(), (values, sampling, seed) => {
        fc.pre(values.some((value) => value !== null));
        const { id, probability } = chooseToken(
          Float32Array.from(values, (value) => value ?? -Infinity),
          sampling,
          createRandom(seed),
        );
        expect(values[id]).not.toBeNull();
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('names what it cannot choose from', () => {
    const random = createRandom('any');
    expect(() => chooseToken(new Float32Array(3).fill(-Infinity), {}, random)).toThrow(/no token/);
    expect(() => chooseToken(Float32Array.of(0, Number.NaN), {}, random)).toThrow(/token 1 is not a number/);
    expect(() => requireSampling({ temperature: -1 })).toThrow(/temperature/);
    expect(() => requireSampling({ topP: 0 })).toThrow(/topP/);
  });
});
