/** Training by two processes of MPI: skipped where mpirun of Open MPI is missing. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldData } from '../src/training/configs/world-data.ts';
import { checkpointFile, metricsFile } from '../src/training/loop.ts';
import { openSafetensors } from '../src/weights/safetensors.ts';

const version = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
const hasMpi = version.status === 0 && version.stdout.includes('Open MPI');
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
/** A machine of one core is enough, and so is the user of a container. */
const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

const settings = {
  seed: 4,
  steps: 30,
  learningRate: 1e-3,
  warmupSteps: 1,
  finalRate: 0.1,
  maxNorm: 1,
  weightDecay: 0.01,
  validateEvery: 100,
  data: [{ data: worldData('train', 1, 4), weight: 1 }],
  upn: {
    backbone: { kind: 'convnext', depths: [1, 1, 1, 1], dims: [8, 16, 16, 32], kernelSize: 3, layerScale: 0.1 },
    backboneStages: [2, 3],
    numLevels: 2,
    hiddenSize: 32,
    numHeads: 2,
    numPoints: 2,
    numEncoderLayers: 1,
    numDecoderLayers: 1,
    feedForwardSize: 32,
    numQueries: 20,
    shorterSide: 64,
    longerSide: 64,
    canvasMultiple: 32,
  },
  backboneRate: 1,
  parts: 2,
  batchSize: 1,
  canvases: [{ width: 64, height: 64 }],
  isPadded: false,
  denoisingQueries: 8,
  maxPositiveTokens: 64,
};

let root: string;
let config: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mpi-'));
  config = await configOf('config.mjs', {});
});
afterAll(() => rm(root, { recursive: true }));

async function configOf(name: string, changes: object): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `export default ${JSON.stringify({ ...settings, ...changes })};\n`);
  return path;
}

interface Ended {
  readonly status: number | null;
  readonly errors: string;
}

/** `chatrex train upn` by so many processes. */
function train(ranks: number, args: readonly string[], onStart?: (child: ChildProcess) => unknown) {
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), main, 'train', 'upn', ...args];
  const all = ranks === 1 ? command : ['mpirun', '--oversubscribe', '-n', String(ranks), ...command];
  const child = spawn(all[0], all.slice(1), { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  onStart?.(child);
  return new Promise<Ended>((resolve) => child.on('close', (status) => resolve({ status, errors })));
}

async function greatestDifference(a: string, b: string): Promise<number> {
  const [one, two] = await Promise.all([a, b].map((name) => openSafetensors(checkpointFile(join(root, name)))));
  expect([...two.tensors.keys()].sort()).toEqual([...one.tensors.keys()].sort());
  let worst = 0;
  for (const name of one.tensors.keys()) {
    if (!name.startsWith('parameters.')) continue;
    const [first, second] = [await one.readFloat32(name), await two.readFloat32(name)];
    first.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - second[i]));
    });
  }
  return worst;
}

/** Sends a signal to the second rank once a step is done. */
async function signalSecondRank(mpirun: ChildProcess, run: string, signal: NodeJS.Signals): Promise<void> {
  const isUnderWay = async () => (await readFile(metricsFile(join(root, run)), 'utf8').catch(() => '')) !== '';
  while (mpirun.exitCode === null && !(await isUnderWay())) await delay(20);
  const children = await readFile(`/proc/${mpirun.pid}/task/${mpirun.pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) {
    const environment = await readFile(`/proc/${child}/environ`, 'utf8');
    if (environment.includes('OMPI_COMM_WORLD_RANK=1\0')) process.kill(Number(child), signal);
  }
}

describe.skipIf(!hasMpi)('two ranks', () => {
  const common = () => ['--config', config, '--cache', 'cache'];

  test('are the same run as one process with as many parts, also when one was told to stop and both resumed', async () => {
    expect(await train(1, [...common(), '--out', 'one'])).toMatchObject({ status: 0 });
    const stopped = await train(2, [...common(), '--out', 'two'], (child) => signalSecondRank(child, 'two', 'SIGTERM'));
    expect(stopped.errors).toContain('stopped; continue with --resume: two');
    expect(stopped.status).not.toBe(0);
    expect(await train(2, [...common(), '--out', 'two', '--resume'])).toMatchObject({ status: 0 });

    expect(await greatestDifference('one', 'two')).toBeLessThan(1e-6);
    const lines = (await readFile(metricsFile(join(root, 'two')), 'utf8')).trim().split('\n');
    const steps = lines.map((line) => JSON.parse(line).step as number);
    expect(steps).toEqual(Array.from({ length: settings.steps }, (_, i) => i + 1));
  });

  test('end together when one is killed', async () => {
    const long = await configOf('long.mjs', { steps: 100_000 });
    const args = ['--config', long, '--cache', 'cache', '--out', 'killed'];
    const { status, errors } = await train(2, args, (child) => signalSecondRank(child, 'killed', 'SIGKILL'));
    expect(status).not.toBe(0);
    expect(errors).toMatch(/rank 1 .*exited on signal 9/);
  });

  test('end together, with one line, when a rank cannot go on', async () => {
    const odd = await configOf('odd.mjs', { parts: 3 });
    const { status, errors } = await train(2, ['--config', odd, '--cache', 'cache', '--out', 'odd']);
    expect(status).not.toBe(0);
    expect(errors).toMatch(/^chatrex: rank \d of 2: parts 3: expected a multiple of the 2 ranks.*; all ranks end$/m);
  });
});
