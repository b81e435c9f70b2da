/** A model small enough to train in a test: two layers that learn a smooth function of three numbers. */

import { linear } from '../../nn/linear.ts';
import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import type { Feeds } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { gelu } from '../../tensor/ops/gelu.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reduceMean } from '../../tensor/ops/reduce-mean.ts';
import { subtract } from '../../tensor/ops/subtract.ts';
import { createAdamwState } from '../adamw.ts';
import type { TrainingState } from '../checkpoint.ts';
import { initializeParameters } from '../parameters.ts';

export function tinyModel() {
  const scope = createScope();
  const x = input('x', 'float32', ['batch', 3]);
  const hidden = gelu(linear(scope.at('hidden'), 3, 8)(x));
  const prediction = linear(scope.at('output'), 8, 1)(hidden);
  const error = subtract(prediction, input('target', 'float32', ['batch', 1]));
  return { prediction, loss: reduceMean(multiply(error, error)) };
}

/** Weights and moments at step 0. */
export function tinyState(): TrainingState {
  const parameters = initializeParameters(graphOf({ loss: tinyModel().loss }).parameters.values(), 'tiny');
  return { step: 0, parameters, optimizer: createAdamwState(parameters.keys(), parameters) };
}

/** Rows `from` to `to` of an endless table. */
export function tinyBatch(from: number, to: number): Feeds {
  const rows = Array.from({ length: to - from }, (_, i) => {
    const random = createRandom(`row ${from + i}`);
    return [random.range(-1, 1), random.range(-1, 1), random.range(-1, 1)];
  });
  const targets = rows.map(([a, b, c]) => Math.sin(2 * a) + b * c);
  return {
    x: hostTensor('float32', [rows.length, 3], rows.flat()),
    target: hostTensor('float32', [rows.length, 1], targets),
  };
}
