/** What a case of an op is, and where its numbers come from. */

import { type Shape, sizeOf } from '../dimension.ts';
import type { DType } from '../dtype.ts';
import { type NdArray, ndArray } from '../nd-array.ts';
import type { Tensor } from '../tensor.ts';

/** Values of the symbols that shapes in cases may use; `none` is a batch, or a list of boxes, without elements. */
export const symbolSizes: ReadonlyMap<string, number> = new Map([
  ['batch', 2],
  ['length', 3],
  ['none', 0],
]);

export interface CaseInput {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly value: (random: () => number, i: number) => number;
  /** Set where the op passes no gradient on by intention. */
  readonly isConstant?: boolean;
}

export interface OpCase {
  readonly inputs: readonly CaseInput[];
  /** Applies the op; only what it returns is checked. */
  readonly build: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** How far ONNX Runtime may be from the reference, for ops that round. */
  readonly tolerance: number;
}

export const opCase = (inputs: readonly CaseInput[], build: OpCase['build'], tolerance = 1e-5): OpCase => ({
  inputs,
  build,
  tolerance,
});

/** Floats between -2 and 2. */
export const floats = (...shape: Shape): CaseInput => between(-2, 2, ...shape);

export const between = (low: number, high: number, ...shape: Shape): CaseInput => ({
  dtype: 'float32',
  shape,
  value: (random) => Math.fround(low + (high - low) * random()),
});

/** Integers from zero to below `bound`. */
export const integers = (bound: number, ...shape: Shape): CaseInput => ({
  dtype: 'int64',
  shape,
  value: (random) => Math.floor(bound * random()),
});

export const booleans = (...shape: Shape): CaseInput => ({
  dtype: 'bool',
  shape,
  value: (random) => Number(random() < 0.5),
});

/** Exactly these values. */
export const given = (dtype: DType, shape: Shape, values: readonly number[]): CaseInput => ({
  dtype,
  shape,
  value: (_, i) => values[i],
});

export const withoutGradient = (one: CaseInput): CaseInput => ({ ...one, isConstant: true });

/** The same numbers for the same seed, everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271 + 11) % 2147483647;
    return state / 2147483647;
  };
}

export function drawValues({ value }: CaseInput, concreteShape: readonly number[], random: () => number): NdArray {
  const size = sizeOf(concreteShape) as number;
  return ndArray(
    concreteShape,
    Array.from({ length: size }, (_, i) => value(random, i)),
  );
}
