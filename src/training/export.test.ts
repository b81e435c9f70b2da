import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { upnPresets } from '../proposals/config.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { exportUpn } from './export.ts';
import { checkpointFile } from './loop.ts';
import { modelWeightsFile } from './model-folder.ts';
import { runFile } from './run.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'export-'));
});
afterAll(() => rm(root, { recursive: true }));

test('an export has the model and nothing that only trained: no heads, no noised queries, no moments', async () => {
  const run = join(root, 'run');
  await mkdir(run);
  const settings = { upn: upnPresets['upn-nano'] };
  await writeFile(runFile(run), JSON.stringify({ stage: 'upn', data: 'x', settings }));
  const tensor = (name: string) => ({ name, dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, 0.5) });
  const stored = ['parameters.layer.weight', 'parameters.naming.norm.weight', 'parameters.denoising.content'];
  await writeSafetensors(
    checkpointFile(run),
    [...stored, 'exp_avg.layer.weight', 'exp_avg_sq.layer.weight'].map(tensor),
    { step: '7', updates: '7' },
  );
  await exportUpn(run, join(root, 'model'));
  const { tensors } = await openSafetensors(modelWeightsFile(join(root, 'model')));
  expect([...tensors.values()].map(({ name, dtype }) => [name, dtype])).toEqual([['layer.weight', 'float16']]);
});
