import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostTensor } from '../runtime/host-tensor.ts';
import { createAdamwState } from './adamw.ts';
import { loadTrainingState, saveTrainingState } from './checkpoint.ts';
import { GradientSession } from './gradient-session.ts';
import { checkpointFile, metricsFile, resumeIfPossible, train } from './loop.ts';
import { warmupCosine } from './schedule.ts';
import { tinyBatch, tinyModel, tinyState } from './testing/tiny-model.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'train-'));
});
afterAll(() => rm(root, { recursive: true }));

const totalSteps = 12;

/** Trains in `folder` from where it stopped, at most to `stopAt`; every time with new sessions and new memory. */
async function runTo(folder: string, stopAt: number): Promise<void> {
  const state = tinyState();
  await resumeIfPossible(folder, state);
  const session = await GradientSession.create(tinyModel().loss, {}, state.parameters, { threads: 1 });
  const abort = new AbortController();
  const finished = await train({
    folder,
    state,
    totalSteps,
    learningRate: 0.02,
    schedule: warmupCosine({ warmupSteps: 3, totalSteps }),
    optimizer: { maxNorm: 1, group: () => ({ weightDecay: 0.05 }) },
    computeGradients: async (step) => {
      const metrics = await session.accumulate(tinyBatch(step * 16, step * 16 + 8));
      await session.accumulate(tinyBatch(step * 16 + 8, step * 16 + 16));
      return { gradients: session.finish(), metrics };
    },
    validate: async () => ({
      loss: (await session.accumulate(tinyBatch(90_000, 90_032))).loss + session.finish().size * 0,
    }),
    validateEvery: 5,
    onProgress: ({ step }) => {
      if (step === stopAt) abort.abort();
    },
    signal: abort.signal,
  });
  expect(finished).toBe(stopAt >= totalSteps);
  await session.dispose();
}

async function recordsOf(folder: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(metricsFile(folder), 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const { seconds: _, ...record } = JSON.parse(line) as Record<string, number>;
    return record;
  });
}

test('a run stopped anywhere goes on bit for bit as one that was not', async () => {
  const whole = join(root, 'whole');
  await runTo(whole, totalSteps);
  const expected = await recordsOf(whole);
  expect(expected.filter((record) => 'loss' in record).map(({ step }) => step)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ]);
  expect(expected.filter((record) => 'val loss' in record).map(({ step }) => step)).toEqual([5, 10, 12]);
  expect(expected.findLast((record) => 'loss' in record)!.loss).toBeLessThan(expected[0].loss);

  const parts = join(root, 'parts');
  for (const stopAt of [1, 5, 6, 11, totalSteps]) await runTo(parts, stopAt);
  expect(await recordsOf(parts)).toEqual(expected);
  expect(await readFile(checkpointFile(parts))).toEqual(await readFile(checkpointFile(whole)));
});

test('steps logged after the last checkpoint, and a line cut off, are dropped on resuming', async () => {
  const folder = join(root, 'killed');
  await runTo(folder, 4);
  await appendFile(metricsFile(folder), '{"step":5,"loss":99}\n{"step":6,"lo');
  await runTo(folder, totalSteps);
  expect(await recordsOf(folder)).toEqual(await recordsOf(join(root, 'whole')));
});

test('a checkpoint of another model is refused by name', async () => {
  const path = join(root, 'other.safetensors');
  const parameters = new Map([['hidden.weight', hostTensor('float32', [2])]]);
  await saveTrainingState(path, { step: 3, parameters, optimizer: createAdamwState(parameters.keys(), parameters) });
  await expect(loadTrainingState(path, tinyState())).rejects.toThrow(/hidden\.weight.*configuration that wrote it/);
});

test('killed while writing, the checkpoint is still a whole one', async () => {
  const folder = await mkdtemp(join(root, 'kill-'));
  const script = fileURLToPath(new URL('testing/save-forever.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const size = 500_000;
  const parameters = new Map([['w', hostTensor('float32', [size])]]);
  const state = { step: -1, parameters, optimizer: createAdamwState(['w'], parameters) };
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, 40));
  child.kill('SIGKILL');
  await once(child, 'exit');
  await loadTrainingState(checkpointFile(folder), state);
  expect(state.step).toBeGreaterThanOrEqual(0);
  for (const data of [parameters.get('w')!.data, ...state.optimizer.firstMoments.values()]) {
    expect(data.every((value) => value === state.step)).toBe(true);
  }
  // The next run sweeps up what the killed one left.
  const optimizer = {};
  const computeGradients = () => Promise.reject(new Error('there is no step left'));
  await train({ folder, state, totalSteps: 0, learningRate: 0, schedule: () => 1, optimizer, computeGradients });
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
