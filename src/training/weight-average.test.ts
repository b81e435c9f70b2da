import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openSafetensors } from '../weights/safetensors.ts';
import { useScratchFolder } from '../weights/testing/support.ts';
import { exportUpn } from './export.ts';
import { checkpointFile, resumeIfPossible, train } from './loop.ts';
import { runFile } from './run.ts';
import { tinyState } from './testing/tiny-model.ts';
import { WeightAverage } from './weight-average.ts';

const scratch = useScratchFolder();

/** Three steps along a constant gradient, and the average that they leave. */
async function trained(folder: string, steps: number, decay = 0.5) {
  const state = tinyState();
  const names = [...state.parameters.keys()];
  const average = new WeightAverage(state.parameters, names, decay);
  const averaged = { ...state, average };
  await resumeIfPossible(folder, averaged);
  const gradients = new Map(
    [...state.parameters].map(([name, { data }]) => [name, new Float32Array(data.length).fill(1)]),
  );
  const seen: number[] = [];
  await train({
    ...{ folder, state: averaged, totalSteps: steps, learningRate: 0.1, schedule: () => 1, optimizer: {} },
    computeGradients: async () => {
      seen.push(state.parameters.get('hidden.bias')!.data[0]);
      return { gradients, metrics: { loss: 1 } };
    },
  });
  seen.push(averaged.parameters.get('hidden.bias')!.data[0]);
  return { averaged, value: average.parameters.get('hidden.bias')!.data[0], seen };
}

test('it follows the weights by its decay, faster at first', async () => {
  const { value, seen } = await trained(scratch('a'), 3);
  let expected = seen[0];
  for (let step = 1; step <= 3; step++) {
    const kept = Math.min(0.5, (1 + step) / (10 + step));
    expected = kept * expected + (1 - kept) * seen[step];
  }
  expect(value).toBeCloseTo(expected, 6);
  expect(Math.abs(value - seen[3])).toBeGreaterThan(1e-3);
});

test('a run that resumes has the average it left', async () => {
  const whole = await trained(scratch('whole'), 4);
  await trained(scratch('parts'), 2);
  const rest = await trained(scratch('parts'), 4);
  expect(rest.value).toBe(whole.value);
});

test('parameters that do not learn are not copied, and reset begins again', () => {
  const { parameters } = tinyState();
  const average = new WeightAverage(parameters, ['hidden.bias'], 0.9);
  expect(average.parameters.get('hidden.weight')).toBe(parameters.get('hidden.weight'));
  const { data } = parameters.get('hidden.bias')!;
  data.fill(7);
  expect(average.parameters.get('hidden.bias')!.data[0]).not.toBe(7);
  average.reset(parameters);
  expect(average.parameters.get('hidden.bias')!.data[0]).toBe(7);
});

test('the average is what is exported', async () => {
  const run = scratch('export');
  await mkdir(run);
  const { value, seen } = await trained(run, 3);
  await writeFile(runFile(run), JSON.stringify({ stage: 'upn', settings: { upn: {} } }));
  await exportUpn(run, scratch('model'));
  const exported = (await (await openSafetensors(scratch('model/model.safetensors'))).readFloat32('hidden.bias'))[0];
  expect(Math.abs(exported - value)).toBeLessThan(1e-3);
  expect(Math.abs(exported - seen[3])).toBeGreaterThan(1e-2);
  expect((await openSafetensors(checkpointFile(run))).tensors.has('average.hidden.bias')).toBe(true);
});
