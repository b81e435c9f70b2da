import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeInt4, quantizeInt8, type WeightRows } from './quantize.ts';

const rowsOf = (weights: Float32Array, inputs: number): WeightRows => ({
  outputs: weights.length / inputs,
  inputs,
  row: (output) => weights.subarray(output * inputs, (output + 1) * inputs),
});

/** Matrices of 3 x 64 with weights between -8 and 8, some rows all zero. */
const matrices = fc
  .tuple(fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 192, maxLength: 192 }), fc.nat({ max: 3 }))
  .map(([values, zeroRow]) => Float32Array.from(values, (value, i) => (Math.floor(i / 64) === zeroRow ? 0 : value)));

/** Denormal scales lose their own precision; no real weight is that small. */
const crumb = 1e-30;

describe('int8', () => {
  it('is within half a step of every weight', () => {
    fc.assert(
      fc.property(matrices, (weights) => {
        const { values, scales } = quantizeInt8(rowsOf(weights, 64));
        const excess = weights.map((weight, i) => {
          const [output, input] = [Math.floor(i / 64), i % 64];
          const restored = values[input * 3 + output] * scales[output];
          return Math.abs(restored - weight) - scales[output] * 0.5001;
        });
        expect(Math.max(...excess)).toBeLessThanOrEqual(crumb);
      }),
    );
  });
});

describe('int4', () => {
  const restore = (values: ArrayLike<number>, scales: Float32Array, i: number) => {
    const nibble = i % 2 === 0 ? values[i >> 1] & 15 : values[i >> 1] >> 4;
    return (nibble - 8) * scales[Math.floor(i / 32)];
  };

  it('has no larger squared error than the plain scale gives', () => {
    fc.assert(
      fc.property(matrices, (weights) => {
        const { values, scales } = quantizeInt4(rowsOf(weights, 64));
        for (let block = 0; block < 6; block++) {
          const part = weights.subarray(block * 32, block * 32 + 32);
          const extreme = part.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
          let [ours, plain] = [0, 0];
          part.forEach((weight, i) => {
            ours += (restore(values, scales, block * 32 + i) - weight) ** 2;
            const step = extreme === 0 ? 0 : Math.min(7, Math.round((weight * -8) / extreme));
            plain += ((step * extreme) / -8 - weight) ** 2;
          });
          expect(ours).toBeLessThanOrEqual(plain * 1.000001 + crumb);
        }
      }),
    );
  });

  it('keeps what sixteen values can hold', () => {
    const weights = Float32Array.from({ length: 32 }, (_, i) => ((i % 16) - 8) / 4);
    const { values, scales } = quantizeInt4(rowsOf(weights, 32));
    weights.forEach((weight, i) => {
      expect(restore(values, scales, i)).toBeCloseTo(weight, 6);
    });
  });

  it('refuses rows that do not fill blocks', () => {
    expect(() => quantizeInt4(rowsOf(new Float32Array(40), 40))).toThrow(/multiple of 32 inputs, not 40/);
  });
});
