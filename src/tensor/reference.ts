/**
 * Executes a graph with the plain float64 references of its ops: slow, simple, and used only to check the real engine.
 */

import { ChatRexError } from '../errors.ts';
import { type Dim, evaluateDim } from './dimension.ts';
import { graphOf } from './graph.ts';
import type { NdArray } from './nd-array.ts';
import type { InputAttributes } from './ops/input.ts';
import type { Op, Tensor, TensorType } from './tensor.ts';

/** @param feeds values of inputs and parameters by name. */
export function evaluateReference<K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  feeds: Readonly<Record<string, NdArray>>,
): Record<K, NdArray> {
  const values = new Map<Tensor, NdArray>();
  const symbols = new Map<string, number>();
  const resolve = (dim: Dim): number => {
    const value = evaluateDim(dim, symbols);
    if (value === undefined) throw new ChatRexError('invalid-shape', `nothing that is fed has the size '${dim}'`);
    return value;
  };
  const { nodes } = graphOf(outputs);
  for (const { op, attributes, outputs: produced } of nodes) {
    const fed = isLeaf(op) ? feeds[(attributes as InputAttributes).name] : undefined;
    if (!fed) continue;
    produced[0].shape.forEach((dim, axis) => {
      if (typeof dim === 'string') symbols.set(dim, fed.shape[axis]);
    });
    values.set(produced[0], fed);
  }
  for (const { op, inputs, attributes, outputs: produced } of nodes) {
    if (values.has(produced[0])) continue;
    const concrete = produced.map(({ dtype, shape }): TensorType => ({ dtype, shape: shape.map(resolve) }));
    const results = (op as Op<unknown>).reference(
      inputs.map((tensor) => (tensor ? values.get(tensor) : null) as NdArray),
      attributes,
      concrete,
      resolve,
    );
    results.forEach((value, i) => {
      values.set(produced[i], value);
    });
  }
  return Object.fromEntries(
    Object.entries<Tensor>(outputs).map(([name, tensor]) => [name, values.get(tensor)]),
  ) as Record<K, NdArray>;
}

const isLeaf = (op: Op<never>): boolean => op.name === 'Input' || op.name === 'Parameter';
