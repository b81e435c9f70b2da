/** The weights of a model in training: float32 arrays in this process, by parameter name. */

import type { StoredWeight } from '../onnx/emit.ts';
import { createRandom } from '../random.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { Initializer, ParameterAttributes } from '../tensor/ops/parameter.ts';

export type ParameterSet = ReadonlyMap<string, HostTensor<'float32'>>;

/**
 * Starts every parameter from its own random stream, so that adding one leaves the others as they were.
 * @example const parameters = initializeParameters(graphOf({ loss }).parameters.values(), 1);
 */
export function initializeParameters(parameters: Iterable<ParameterAttributes>, seed: string | number): ParameterSet {
  const values = new Map<string, HostTensor<'float32'>>();
  for (const { name, shape, initializer } of parameters) {
    const tensor = hostTensor('float32', shape);
    fill(tensor.data, initializer, `${seed}/${name}`);
    values.set(name, tensor);
  }
  return values;
}

function fill(data: Float32Array, initializer: Initializer, key: string): void {
  if (initializer.kind === 'zeros') return;
  if (initializer.kind === 'ones') data.fill(1);
  else if (initializer.kind === 'constant') data.fill(initializer.value);
  else if (initializer.kind === 'values') data.set(initializer.values());
  else {
    const random = createRandom(key);
    for (let i = 0; i < data.length; i++) {
      data[i] =
        initializer.kind === 'uniform'
          ? random.range(-initializer.bound, initializer.bound)
          : initializer.deviation * normal(random.next(), random.next());
    }
  }
}

/** Box-Muller: a standard normal number from two uniform ones. */
const normal = (a: number, b: number): number => Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b);

/**
 * The same weights as a session stores them.
 * @example const session = await Session.create({ y }, storedParameters(parameters));
 */
export const storedParameters = (parameters: ParameterSet): Map<string, StoredWeight> =>
  new Map([...parameters].map(([name, { dtype, data }]) => [name, { dtype, data }]));
