/**
 * Every op: forward on ONNX Runtime against its plain reference, its gradient against central differences in float64,
 * and the same gradient on ONNX Runtime against float64. An op without cases does not compile.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/gradients.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { evaluateDim, type Shape } from './dimension.ts';
import { isFloat } from './dtype.ts';
import { elementCount, type NdArray, ndArray } from './nd-array.ts';
import { add } from './ops/add.ts';
import { type OpName, ops } from './ops/index.ts';
import { input } from './ops/input.ts';
import { multiply } from './ops/multiply.ts';
import { reduceSum } from './ops/reduce-sum.ts';
import { evaluateReference } from './reference.ts';
import type { Tensor } from './tensor.ts';
import { isDifferentiable, type Op } from './tensor.ts';
import { elementwiseCases } from './testing/elementwise-cases.ts';
import { networkCases } from './testing/network-cases.ts';
import { type CaseInput, createRandom, drawValues, type OpCase, symbolSizes } from './testing/op-case.ts';
import { shapeCases } from './testing/shape-cases.ts';

const table: Record<OpName, readonly OpCase[]> = { ...elementwiseCases, ...shapeCases, ...networkCases };

const isDifferentiated = ({ dtype, isConstant }: CaseInput): boolean => isFloat(dtype) && !isConstant;

interface BuiltCase {
  readonly tolerance: number;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly feeds: Readonly<Record<string, NdArray>>;
  /** What was fed under the name, and where its gradient comes out. */
  readonly checked: readonly { readonly fed: string; readonly gradient: string }[];
  readonly loss: Tensor | undefined;
}

const concrete = (shape: Shape): number[] => shape.map((dim) => evaluateDim(dim, symbolSizes) as number);

/** The graph of one case; its loss weighs every output by random numbers. */
function buildCase(name: string, { inputs, build, tolerance }: OpCase, hasGradient: boolean): BuiltCase {
  const random = createRandom(name.length * 7919 + inputs.length);
  const feeds: Record<string, NdArray> = {};
  const tensors = inputs.map((one, i) => {
    feeds[`${name}.x${i}`] = drawValues(one, concrete(one.shape), random);
    return input(`${name}.x${i}`, one.dtype, one.shape);
  });
  const built = build(...tensors);
  const results = Array.isArray(built) ? (built as Tensor[]) : [built as Tensor];
  const outputs: Record<string, Tensor> = {};
  results.forEach((result, i) => {
    outputs[`${name}.y${i}`] = result;
  });
  if (!hasGradient || !inputs.some(isDifferentiated))
    return { tolerance, outputs, feeds, checked: [], loss: undefined };
  const weighted = results
    .filter(({ dtype }) => isFloat(dtype))
    .map((result, i) => {
      const weights = drawValues(
        { dtype: 'float32', shape: [], value: () => random() - 0.5 },
        concrete(result.shape),
        random,
      );
      feeds[`${name}.w${i}`] = ndArray(weights.shape, weights.data.map(Math.fround));
      return reduceSum(multiply(result, input(`${name}.w${i}`, 'float32', result.shape)));
    });
  if (weighted.length === 0) return { tolerance, outputs, feeds, checked: [], loss: undefined };
  const loss = weighted.reduce((a, b) => add(a, b));
  const differentiated = tensors.filter((_, i) => isDifferentiated(inputs[i]));
  const checked = gradients(loss, differentiated).map((gradient, i) => {
    const fed = `${name}.x${tensors.indexOf(differentiated[i])}`;
    outputs[`${fed}.gradient`] = gradient;
    return { fed, gradient: `${fed}.gradient` };
  });
  return { tolerance, outputs, feeds, checked, loss };
}

function toHost(tensor: Tensor, { shape, data }: NdArray): HostTensor {
  return hostTensor(tensor.dtype, shape, Array.from(data));
}

/** The names of the elements that differ by more than `tolerance`, relative to the larger of 1 and the value. */
function differences(actual: ArrayLike<number | bigint>, expected: ArrayLike<number>, tolerance: number): string[] {
  return Array.from(expected).flatMap((value, i) => {
    const got = Number(actual[i]);
    const isClose = Object.is(got, value) || Math.abs(got - value) <= tolerance * Math.max(1, Math.abs(value));
    return isClose ? [] : [`[${i}] ${got} instead of ${value}`];
  });
}

/** dLoss/dFed by central differences. */
function numericalGradient(loss: Tensor, feeds: Readonly<Record<string, NdArray>>, fed: string): Float64Array {
  const step = 1e-5;
  const { shape, data } = feeds[fed];
  return Float64Array.from(data, (_, i) => {
    const lossAt = (delta: number) => {
      const moved = { shape, data: data.with(i, data[i] + delta) };
      return evaluateReference({ loss }, { ...feeds, [fed]: moved }).loss.data[0];
    };
    return (lossAt(step) - lossAt(-step)) / (2 * step);
  });
}

describe.each(Object.keys(table) as OpName[])('%s', (name) => {
  const op = ops[name] as Op<never>;
  const cases = table[name].map((one, i) => buildCase(i === 0 ? name : `${name}${i}`, one, isDifferentiable(op)));
  const outputs: Record<string, Tensor> = Object.assign({}, ...cases.map((one) => one.outputs));
  const feeds: Record<string, NdArray> = Object.assign({}, ...cases.map((one) => one.feeds));

  test('ONNX Runtime agrees with the reference, gradients included', async () => {
    const expected = evaluateReference(outputs, feeds);
    const session = await Session.create(outputs, 'feeds');
    const leaves = new Map<string, Tensor>();
    for (const {
      op: leaf,
      attributes,
      outputs: [tensor],
    } of session.graph.nodes) {
      if (leaf.name === 'Input' || leaf.name === 'Parameter') leaves.set((attributes as { name: string }).name, tensor);
    }
    const fed = [...leaves].map(([leaf, tensor]) => [leaf, toHost(tensor, feeds[leaf])]);
    const results = await session.run(Object.fromEntries(fed));
    await session.dispose();
    const toleranceOf = new Map(cases.flatMap((one) => Object.keys(one.outputs).map((key) => [key, one.tolerance])));
    for (const [output, tensor] of Object.entries(outputs)) {
      const { shape, data } = expected[output];
      const tolerance = output.endsWith('gradient') ? 1e-4 : (toleranceOf.get(output) as number);
      expect(shape, output).toEqual(concrete(tensor.shape));
      expect(data.length, output).toBe(elementCount(shape));
      expect(results[output].shape, output).toEqual(shape);
      expect(differences(results[output].data, data, tolerance), output).toEqual([]);
    }
  });

  test.runIf(isDifferentiable(op))('the gradient agrees with central differences', () => {
    for (const { outputs: own, feeds: ownFeeds, checked, loss } of cases) {
      const values = evaluateReference(own, ownFeeds);
      for (const { fed, gradient } of checked) {
        const numerical = numericalGradient(loss as Tensor, ownFeeds, fed);
        expect(differences(values[gradient].data, numerical, 1e-6), gradient).toEqual([]);
      }
    }
  });
});

test('every op file is in the index', () => {
  const folder = new URL('./ops/', import.meta.url);
  const declared = readdirSync(folder)
    .filter((file) => file !== 'index.ts')
    .flatMap((file) => [...readFileSync(new URL(file, folder), 'utf8').matchAll(/^export const (\w+)Op\b/gm)])
    .map(([, name]) => name);
  expect(declared.sort()).toEqual(Object.keys(ops).sort());
});
