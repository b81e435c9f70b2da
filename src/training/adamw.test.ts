import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostTensor } from '../runtime/host-tensor.ts';
import { adamwStep, createAdamwState, globalNorm, type ParameterGroup } from './adamw.ts';

interface Golden {
  options: { beta1: number; beta2: number; epsilon: number; maxNorm: number };
  groups: Record<string, ParameterGroup>;
  shapes: Record<string, number[]>;
  initial: Record<string, number[]>;
  steps: {
    learningRate: number;
    gradients: Record<string, number[]>;
    norm: number;
    after: Record<string, number[]>;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/training/adamw.json', import.meta.url), 'utf8'),
) as Golden;

const parametersOf = (values: Record<string, number[]>) =>
  new Map(Object.entries(values).map(([name, list]) => [name, hostTensor('float32', golden.shapes[name], list)]));
const arraysOf = (values: Record<string, number[]>) =>
  new Map(Object.entries(values).map(([name, list]) => [name, Float32Array.from(list)]));

test('six steps with groups, decay and clipping are those of torch.optim.AdamW after clip_grad_norm_', () => {
  const parameters = parametersOf(golden.initial);
  const state = createAdamwState(parameters.keys(), parameters);
  for (const { learningRate, gradients, norm, after } of golden.steps) {
    const options = { ...golden.options, group: (name: string) => golden.groups[name] };
    expect(adamwStep(parameters, arraysOf(gradients), state, learningRate, options)).toBeCloseTo(norm, 4);
    for (const [name, expected] of Object.entries(after)) {
      const found = parameters.get(name)!.data;
      expected.forEach((value, i) => {
        expect(Math.abs(found[i] - value)).toBeLessThan(5e-7 * Math.max(1, Math.abs(value)));
      });
    }
  }
  expect(state.step).toBe(golden.steps.length);
});

test('a gradient that is not finite changes nothing', () => {
  const parameters = parametersOf(golden.initial);
  const state = createAdamwState(parameters.keys(), parameters);
  const gradients = arraysOf(golden.steps[0].gradients);
  gradients.get('a.bias')![1] = Number.NaN;
  expect(adamwStep(parameters, gradients, state, 1)).toBeNaN();
  expect(state.step).toBe(0);
  expect([...parameters.get('a.weight')!.data]).toEqual([...Float32Array.from(golden.initial['a.weight'])]);
});

test('the norm spans all gradients, whatever their lengths', () => {
  const gradients = new Map([1, 2, 3, 4, 5, 9].map((size) => [`g${size}`, new Float32Array(size).fill(2)]));
  expect(globalNorm(gradients)).toBeCloseTo(2 * Math.sqrt(24), 12);
  expect(globalNorm(new Map())).toBe(0);
});

test('a name without a parameter is refused', () => {
  expect(() => createAdamwState(['missing'], new Map())).toThrow(/no parameter 'missing'/);
});
