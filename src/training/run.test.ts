import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createScope } from '../nn/scope.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { add } from '../tensor/ops/add.ts';
import { input } from '../tensor/ops/input.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { adamwStep, createAdamwState } from './adamw.ts';
import { runFeeds, runFile, runStage, type Stage } from './run.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'run-'));
});
afterAll(() => rm(root, { recursive: true }));

const names = ['layer.weight', 'layer.bias', 'norm.weight', 'embedding'];

/** Four parameters of ones, whose gradient is `slope` times the step's feed. */
function stageOf(slope: number, more: Partial<Stage<never>['settings']> = {}): Stage<never> {
  const [feed, scope] = [input('feed', 'float32', []), createScope()];
  const sum = names
    .map((name) => reduceSum(scope.parameter(name, name === 'layer.weight' ? [2, 2] : [2], { kind: 'ones' })))
    .reduce((a, b) => add(a, b));
  return {
    name: 'four',
    settings: {
      seed: 1,
      steps: 2,
      learningRate: 0.1,
      warmupSteps: 1,
      finalRate: 1,
      maxNorm: 1e9,
      weightDecay: 0.5,
      validateEvery: 100,
      ...more,
    },
    graphs: [{ loss: multiply(multiply(sum, feed), slope), metrics: {} }],
    makeBatch: async (step: number) => ({ feed: hostTensor('float32', [], [step + 1]) }),
    run: runFeeds,
  } as unknown as Stage<never>;
}

test('matrices decay; biases, norms and embeddings of single vectors do not', async () => {
  const { parameters } = await runStage(stageOf(0, { steps: 1 }), { folder: join(root, 'decay') });
  expect([...(parameters.get('layer.weight')?.data ?? [])]).toEqual(Array(4).fill(Math.fround(1 - 0.1 * 0.5)));
  for (const name of names.slice(1)) expect([...(parameters.get(name)?.data ?? [])]).toEqual([1, 1]);
});

test.each([undefined, 0.999])('squared gradients are averaged by beta2, %s', async (beta2) => {
  const { parameters } = await runStage(stageOf(1, { weightDecay: 0, beta2 }), { folder: join(root, `beta ${beta2}`) });
  const expected = new Map([['x', hostTensor('float32', [1], [1])]]);
  const optimizer = createAdamwState(expected.keys(), expected);
  for (const slope of [1, 2]) {
    adamwStep(expected, new Map([['x', Float32Array.of(slope)]]), optimizer, 0.1, { beta2: beta2 ?? 0.99 });
  }
  expect(parameters.get('layer.bias')?.data[0]).toBeCloseTo(expected.get('x')!.data[0], 6);
});

test('a run resumes with the settings it began with; a field that is new since has its default', async () => {
  const folder = join(root, 'settings');
  await runStage(stageOf(1), { folder });
  const changed = stageOf(1, { learningRate: 0.2 });
  await expect(runStage(changed, { folder, resume: true })).rejects.toThrow(/learningRate is 0.1 there and 0.2 here/);
  await runStage(stageOf(1, { beta2: 0.99 }), { folder, resume: true });
  await writeFile(runFile(folder), (await readFile(runFile(folder), 'utf8')).slice(0, 40));
  await expect(runStage(stageOf(1), { folder, resume: true })).rejects.toThrow(/is not JSON/);
});
