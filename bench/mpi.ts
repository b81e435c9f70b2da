/**
 * What training by MPI costs: a step of one process with two parts against two processes with one part each.
 *
 *     npx tsx bench/mpi.ts [--steps 8] [--rounds 3] [--side 128]
 *
 * Both train the same small proposal network on the same scenes, in turns; the losses must agree. Then the sum alone is
 * timed, for this network's gradients and for larger ones. Needs Open MPI's mpirun. Two ranks on one machine share its
 * memory and its cores, so the time of the sum is that of copying; a network comes in addition.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { worldData } from '../src/training/configs/world-data.ts';
import { Mpi } from '../src/training/parallel/mpi.ts';
import { openSafetensors } from '../src/weights/safetensors.ts';
import { median } from './step-time.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    side: { type: 'string', default: '128' },
    sum: { type: 'string' },
  },
});
const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
const mpirun = ['mpirun', '--oversubscribe', '--bind-to', 'none', '-n', '2'];

const settings = (steps: number, side: number) => ({
  ...{ seed: 4, steps, learningRate: 1e-3, warmupSteps: 1, finalRate: 0.1, maxNorm: 1, weightDecay: 0.01 },
  validateEvery: steps + 1,
  data: [{ data: worldData('train', 1, 16), weight: 1 }],
  upn: {
    backbone: { kind: 'convnext', depths: [1, 2, 4, 1], dims: [32, 64, 128, 256], kernelSize: 5, layerScale: 0.1 },
    ...{ backboneStages: [1, 2, 3], numLevels: 3, hiddenSize: 128, numHeads: 4, numPoints: 2 },
    ...{ numEncoderLayers: 2, numDecoderLayers: 3, feedForwardSize: 384, numQueries: 60 },
    ...{ shorterSide: side, longerSide: side, canvasMultiple: 32 },
  },
  ...{ backboneRate: 1, parts: 2, batchSize: 1, canvases: [{ width: side, height: side }], isPadded: false },
  ...{ denoisingQueries: 16, maxPositiveTokens: 128 },
});

function run(command: readonly string[], cwd?: string): string {
  const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Seconds of every step but the first two, and the last loss. */
async function train(ranks: number, root: string, name: string) {
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), main, 'train', 'upn'];
  const args = ['--config', join(root, 'config.mjs'), '--cache', join(root, 'cache'), '--out', join(root, name)];
  run([...(ranks === 1 ? [] : mpirun), ...command, ...args], root);
  const text = await readFile(join(root, name, 'metrics.jsonl'), 'utf8');
  const lines = text.trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as { seconds: number; loss: number });
  return { seconds: rows.slice(2).map(({ seconds }) => seconds), loss: rows[rows.length - 1].loss };
}

/** In each rank: milliseconds of a sum of so many floats, medians of eleven; rank 0 prints them. */
async function timeSums(counts: readonly number[]): Promise<void> {
  const ranks = await Mpi.join(process.env);
  if (!ranks) throw new Error('start this with mpirun');
  const times: number[] = [];
  for (const count of counts) {
    const flat = new Float32Array(count).fill(1);
    const one: number[] = [];
    for (let i = 0; i < 12; i++) {
      await ranks.gather('{}');
      const start = performance.now();
      await ranks.sum(flat);
      if (i > 0) one.push(performance.now() - start);
    }
    times.push(median(one));
  }
  if (ranks.rank === 0) console.log(JSON.stringify(times));
  await ranks.finalize();
}

async function compare(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'bench-mpi-'));
  try {
    const config = settings(Number(values.steps), Number(values.side));
    await writeFile(join(root, 'config.mjs'), `export default ${JSON.stringify(config)};\n`);
    const seconds = { one: [] as number[], two: [] as number[] };
    for (let round = 0; round < Number(values.rounds); round++) {
      const one = await train(1, root, `one-${round}`);
      const two = await train(2, root, `two-${round}`);
      seconds.one.push(...one.seconds);
      seconds.two.push(...two.seconds);
      const apart = Math.abs(one.loss - two.loss) / Math.abs(one.loss);
      console.log(`round ${round}: losses ${one.loss} and ${two.loss}, ${apart.toExponential(1)} apart`);
    }
    const weights = await openSafetensors(join(root, 'one-0', 'checkpoint.safetensors'));
    const parameters = [...weights.tensors].filter(([name]) => name.startsWith('parameters.'));
    const floats = parameters.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const counts = [floats, 4_000_000, 16_000_000, 64_000_000];
    const self = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
    const sums = JSON.parse(run([...mpirun, ...self, '--sum', counts.join()])) as number[];
    const [one, two] = [1000 * median(seconds.one), 1000 * median(seconds.two)];
    console.log(`a step by one process with two parts ${one.toFixed(0)} ms, by two processes ${two.toFixed(0)} ms`);
    console.log(`ratio ${(two / one).toFixed(2)}; the sum is ${((100 * sums[0]) / two).toFixed(1)} % of it`);
    counts.forEach((count, i) => {
      const megabytes = (4 * count) / 1e6;
      console.log(
        `sum of ${megabytes.toFixed(1)} MB: ${sums[i].toFixed(2)} ms, ${(megabytes / sums[i]).toFixed(2)} GB/s`,
      );
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

if (values.sum !== undefined) await timeSums(values.sum.split(',').map(Number));
else await compare();
