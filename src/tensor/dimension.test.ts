import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDims,
  type Dim,
  divideDims,
  evaluateDim,
  floorDivideDim,
  multiplyDims,
  sizeOf,
  subtractDims,
} from './dimension.ts';

/** Sums and products of a few symbols and small integers. */
const dims: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { depthSize: 'small' },
    fc.integer({ min: -6, max: 6 }),
    fc.constantFrom('batch', 'past', 'sequence'),
    fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => addDims(a, b)),
    fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => multiplyDims(a, b)),
  ),
})).dim;

const sizes = new Map([
  ['batch', 3],
  ['past', 7],
  ['sequence', 11],
]);
const valueIn = (dim: Dim): number => evaluateDim(dim, sizes) as number;

/** Zero has no sign here. */
const expectSame = (a: Dim | undefined, b: Dim) => expect(a === 0 ? 0 : a).toBe(b === 0 ? 0 : b);

describe('sizes form a ring, written in one way only', () => {
  test('sums and products commute, associate and distribute', () => {
    fc.assert(
      fc.property(dims, dims, dims, (a, b, c) => {
        expectSame(addDims(a, b), addDims(b, a));
        expectSame(multiplyDims(a, b), multiplyDims(b, a));
        expectSame(addDims(addDims(a, b), c), addDims(a, addDims(b, c)));
        expectSame(multiplyDims(multiplyDims(a, b), c), multiplyDims(a, multiplyDims(b, c)));
        expectSame(multiplyDims(a, addDims(b, c)), addDims(multiplyDims(a, b), multiplyDims(a, c)));
      }),
    );
  });

  test('what is added can be subtracted', () => {
    fc.assert(
      fc.property(dims, dims, (a, b) => {
        expectSame(subtractDims(addDims(a, b), b), a);
      }),
    );
  });

  test('with every symbol given its value, the arithmetic is that of numbers', () => {
    fc.assert(
      fc.property(dims, dims, (a, b) => {
        expect(valueIn(addDims(a, b))).toBeCloseTo(valueIn(a) + valueIn(b));
        expect(valueIn(multiplyDims(a, b))).toBeCloseTo(valueIn(a) * valueIn(b));
        expect(valueIn(sizeOf([a, 2, b]))).toBeCloseTo(2 * valueIn(a) * valueIn(b));
      }),
    );
  });

  test('a product divides by its monomial factors', () => {
    const monomials = fc.constantFrom<Dim>(2, 5, 'batch', 'sequence*sequence', '3*past');
    fc.assert(
      fc.property(dims, monomials, (a, b) => {
        expectSame(divideDims(multiplyDims(a, b), b), a);
      }),
    );
  });
});

test('texts are canonical', () => {
  expect(addDims('sequence', 'past')).toBe('sequence+past');
  expect(addDims('past', 'sequence')).toBe('sequence+past');
  expect(multiplyDims('b', addDims('a', 2))).toBe('2*b+a*b');
  expect(subtractDims('a', 'a')).toBe(0);
  expect(subtractDims(1, 'a')).toBe('-a+1');
});

test('what does not divide is undefined, not rounded', () => {
  expect(divideDims(addDims('a', 1), 2)).toBeUndefined();
  expect(divideDims('a', 'b')).toBeUndefined();
  expect(divideDims(7, 2)).toBeUndefined();
  expect(divideDims(addDims('a', 'b'), addDims('a', 'b'))).toBe(1);
});

test('floor division leaves the rest of the constant behind', () => {
  expect(floorDivideDim(7, 2)).toBe(3);
  expect(floorDivideDim(-1, 2)).toBe(-1);
  expect(floorDivideDim(addDims(multiplyDims(4, 'h'), 3), 4)).toBe('h');
  expect(floorDivideDim(addDims('h', 3), 4)).toBeUndefined();
});

test('a symbol without a value has no size', () => {
  expect(evaluateDim('unknown', sizes)).toBeUndefined();
});
