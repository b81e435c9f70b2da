/**
 * AdamW with decoupled weight decay, parameter groups and clipping by the global norm.
 *
 * Agrees with torch.optim.AdamW and torch.nn.utils.clip_grad_norm_. It works on this process's arrays, in place, apart
 * from the session that computes gradients: between the two, gradients can be accumulated, or summed across machines.
 */

import { ChatRexError } from '../errors.ts';
import type { ParameterSet } from './parameters.ts';

export interface AdamwOptions {
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  /** Gradients are scaled so that the norm over all of them is at most this. */
  maxNorm?: number;
  /** What a parameter's group asks for, by its name. */
  group?: (name: string) => ParameterGroup;
}

export interface ParameterGroup {
  /** Factor of the learning rate. */
  learningRateScale?: number;
  weightDecay?: number;
}

/** First and second moments, and the number of updates they have seen. */
export interface AdamwState {
  step: number;
  readonly firstMoments: ReadonlyMap<string, Float32Array>;
  readonly secondMoments: ReadonlyMap<string, Float32Array>;
}

export type GradientSet = ReadonlyMap<string, Float32Array>;

/**
 * Zero moments for these parameters.
 * @example const optimizer = createAdamwState(parameters.keys(), parameters);
 */
export function createAdamwState(names: Iterable<string>, parameters: ParameterSet): AdamwState {
  const zeros = (list: string[]) => new Map(list.map((name) => [name, new Float32Array(sizeOf(parameters, name))]));
  const list = [...names];
  return { step: 0, firstMoments: zeros(list), secondMoments: zeros(list) };
}

function sizeOf(parameters: ParameterSet, name: string): number {
  const tensor = parameters.get(name);
  if (!tensor) throw new ChatRexError('invalid-argument', `there is no parameter '${name}' to optimise`);
  return tensor.data.length;
}

/** Square root of the sum of squares over all gradients, in float64. */
export function globalNorm(gradients: GradientSet): number {
  let total = 0;
  for (const gradient of gradients.values()) total += sumOfSquares(gradient);
  return Math.sqrt(total);
}

/** Four sums at a time: each addition waits for the one before it in its sum. */
function sumOfSquares(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = values.length - (values.length % 4);
  for (let i = 0; i < end; i += 4) {
    a += values[i] * values[i];
    b += values[i + 1] * values[i + 1];
    c += values[i + 2] * values[i + 2];
    d += values[i + 3] * values[i + 3];
  }
  for (let i = end; i < values.length; i++) a += values[i] * values[i];
  return a + b + c + d;
}

/**
 * One update, in place. Returns the norm of the gradients before clipping; when that is not finite nothing is changed.
 * @example adamwStep(parameters, session.finish(), optimizer, 1e-3, { maxNorm: 1 });
 */
export function adamwStep(
  parameters: ParameterSet,
  gradients: GradientSet,
  state: AdamwState,
  learningRate: number,
  options: AdamwOptions = {},
): number {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, maxNorm = Number.POSITIVE_INFINITY } = options;
  const norm = globalNorm(gradients);
  if (!Number.isFinite(norm)) return norm;
  const clip = norm > maxNorm ? maxNorm / (norm + 1e-6) : 1;
  state.step++;
  const correction1 = 1 - beta1 ** state.step;
  const correction2 = Math.sqrt(1 - beta2 ** state.step);
  for (const [name, gradient] of gradients) {
    const { learningRateScale = 1, weightDecay = 0 } = options.group?.(name) ?? {};
    const rate = learningRate * learningRateScale;
    const moments = [state.firstMoments.get(name), state.secondMoments.get(name)] as [Float32Array, Float32Array];
    updateOne((parameters.get(name) as { data: Float32Array }).data, gradient, ...moments, {
      clip,
      beta1,
      beta2,
      rate: rate / correction1,
      decay: 1 - rate * weightDecay,
      correction2,
      epsilon,
    });
  }
  return norm;
}

interface UpdateConstants {
  clip: number;
  beta1: number;
  beta2: number;
  rate: number;
  decay: number;
  correction2: number;
  epsilon: number;
}

/**
 * The hot loop: four floats read, three written per weight. It runs in float64, as V8's arithmetic does, so that one
 * square root and one division are what it costs.
 */
function updateOne(
  weights: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  { clip, beta1, beta2, rate, decay, correction2, epsilon }: UpdateConstants,
): void {
  const newFirst = (1 - beta1) * clip;
  const newSecond = (1 - beta2) * clip * clip;
  const scale = 1 / correction2;
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i];
    const m = beta1 * first[i] + newFirst * g;
    const v = beta2 * second[i] + newSecond * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] = weights[i] * decay - (rate * m) / (Math.sqrt(v) * scale + epsilon);
  }
}
