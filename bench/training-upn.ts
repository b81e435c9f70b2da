/**
 * Time and memory of a training step of UPN-nano (forward, losses, gradients, AdamW) against the same network in
 * PyTorch.
 *
 *     npx tsx bench/training-upn.ts [--python PATH] [--steps N] [--threads N]
 *
 * PATH is a Python with torch and safetensors; without it only our times are printed. First both compute loss and
 * gradients of one batch with equal weights, and the run fails where they disagree. Then they take steps in turns, so
 * that whatever else the machine does falls on both. Ours are taken as in training: the parts of a step side by side in
 * threads. PyTorch takes the whole batch with all cores, and is given the targets of our first step, so that its time
 * is without matching; ours is with it. On a busy machine PyTorch's threads wait for each other, and spend processor
 * time on it: there, compare processor time at `--threads 1`, which is PyTorch's number alone.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { createScope } from '../src/nn/scope.ts';
import { createRandom } from '../src/random.ts';
import type { HostTensor } from '../src/runtime/host-tensor.ts';
import { graphOf } from '../src/tensor/graph.ts';
import { adamwStep, createAdamwState, type GradientSet } from '../src/training/adamw.ts';
import { nanoUpn } from '../src/training/configs/nano-upn.ts';
import type { SharedTensor } from '../src/training/parallel/threads.ts';
import { initializeParameters, type ParameterSet } from '../src/training/parameters.ts';
import { upnTrainingGraph } from '../src/training/upn/loss.ts';
import { writeSafetensors } from '../src/weights/safetensors-writer.ts';
import { startWorker } from '../src/workers/start-worker.ts';
import { describeRatios, describeTimes, median, type StepTime } from './step-time.ts';
import type { UpnPart, UpnPartAnswer } from './training-upn-worker.ts';

/**
 * Most that the loss and the gradient of any one parameter may differ, as shares of ours. The loss alone would not show
 * that y and x are exchanged in the decoder's box embedding (it moves by 4e-5); the gradients do (by up to 0.18).
 */
const tolerances = { loss: 1e-3, gradient: 3e-2 };
const cores = availableParallelism();

/** PyTorch's loss, and by parameter the norms of both gradients (PyTorch's first) and of their difference. */
interface Check {
  readonly loss: number;
  readonly norms: Readonly<Record<string, readonly [number, number]>>;
  readonly apart: Readonly<Record<string, number>>;
}

/** Fresh weights, and a little noise: layers that start at zero would hide what comes before them. */
function startingWeights(): ParameterSet {
  const graph = graphOf({ loss: upnTrainingGraph(createScope(), nanoUpn).loss });
  const parameters = initializeParameters(graph.parameters.values(), nanoUpn.seed);
  for (const [name, { data }] of parameters) {
    const random = createRandom(`noise/${name}`);
    for (let i = 0; i < data.length; i++) data[i] += random.range(-0.03, 0.03);
  }
  return parameters;
}

function sharedTensor(name: string, { shape, data }: HostTensor<'float32'>): SharedTensor {
  return { name, shape, data: new Float32Array(new SharedArrayBuffer(data.byteLength)) };
}

/** Our side, with the threads of `parallel/threads.ts`. */
async function ourSide(parameters: ParameterSet, cacheFolder: string) {
  const share = () => [...parameters].map(([name, tensor]) => sharedTensor(name, tensor));
  const shared = share();
  const copyParameters = () => {
    for (const { name, data } of shared) data.set(parameters.get(name)?.data as Float32Array);
  };
  copyParameters();
  const parts = Array.from({ length: nanoUpn.parts }, (_, part) => {
    const threads = Math.max(1, Math.floor(cores / nanoUpn.parts));
    const data: UpnPart = { parameters: shared, gradients: share(), part, threads, cacheFolder };
    return { worker: startWorker('./training-upn-worker.ts', import.meta.url, data), gradients: data.gradients };
  });
  await Promise.all(parts.map(({ worker }) => nextAnswer(worker)));
  const means = new Map([...parameters].map(([name, { data }]) => [name, new Float32Array(data.length)]));

  const computeGradients = async (): Promise<{ gradients: GradientSet; answers: UpnPartAnswer[] }> => {
    copyParameters();
    for (const { worker } of parts) worker.postMessage('step');
    const answers = await Promise.all(parts.map(({ worker }) => nextAnswer(worker) as Promise<UpnPartAnswer>));
    parts.forEach(({ gradients }, index) => {
      for (const { name, data } of gradients) {
        const mean = means.get(name) as Float32Array;
        for (let i = 0; i < mean.length; i++) mean[i] = (index === 0 ? 0 : mean[i]) + data[i] / parts.length;
      }
    });
    return { gradients: means, answers };
  };

  const optimizer = createAdamwState(parameters.keys(), parameters);
  const step = async () => {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const { gradients, answers } = await computeGradients();
    const middle = performance.now();
    const { learningRate, maxNorm, weightDecay } = nanoUpn;
    adamwStep(parameters, gradients, optimizer, learningRate, { maxNorm, beta2: 0.99, group: () => ({ weightDecay }) });
    const { user, system } = process.cpuUsage(before);
    const end = performance.now();
    const host = Math.max(...answers.map((answer) => answer.host));
    return { wall: end - start, processor: (user + system) / 1000, update: end - middle, host };
  };
  const close = () => Promise.all(parts.map(({ worker }) => worker.terminate()));
  return { computeGradients, step, close };
}

const nextAnswer = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer) => {
      worker.off('error', reject);
      resolve(answer);
    });
  });

/** PyTorch's side: a process that answers every line by one. */
function torchSide(python: string, file: string, threads: number) {
  const script = fileURLToPath(new URL('../tools/reference/upn/training_step.py', import.meta.url));
  const child = spawn(python, [script, file, JSON.stringify(nanoUpn), String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async <Answer>(command: string): Promise<Answer> => {
    child.stdin.write(`${command}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`PyTorch's side ended at '${command}'`);
    return JSON.parse(value);
  };
  return {
    check: () => ask<Check>('check'),
    step: () => ask<StepTime>('step'),
    peakMegabytes: async () => (await ask<{ megabytes: number }>('memory')).megabytes,
    close: () => child.stdin.end(),
  };
}

/** Weights, gradients and inputs for PyTorch. */
function writeStep(file: string, parameters: ParameterSet, gradients: GradientSet, answers: readonly UpnPartAnswer[]) {
  const inputs = answers.flatMap(({ feeds = {} }, part) =>
    Object.entries(feeds).map(([name, tensor]) => ({ ...tensor, name: `${part}/${name}` })),
  );
  const ofParameters = [...parameters].flatMap(([name, { dtype, shape, data }]) => [
    { name: `parameter/${name}`, dtype, shape, data },
    { name: `gradient/${name}`, dtype, shape, data: gradients.get(name) as Float32Array },
  ]);
  return writeSafetensors(file, [...inputs, ...ofParameters]);
}

/** Prints how far the two are apart; whether they are one network. */
function reportAgreement(ourLoss: number, { loss, norms, apart }: Check): boolean {
  const difference = Math.abs(loss - ourLoss) / Math.abs(ourLoss);
  const all = Object.entries(norms).map(([name, [theirs, ours]]) => ({
    name,
    norm: Math.abs(theirs - ours) / ours,
    vector: apart[name] / ours,
  }));
  const total = (values: number[]) => Math.hypot(...values);
  const whole = total(Object.values(apart)) / total(Object.values(norms).map(([, ours]) => ours));
  const worst = (by: 'norm' | 'vector') => all.reduce((most, one) => (one[by] > most[by] ? one : most));
  const named = (by: 'norm' | 'vector') => `${worst(by)[by].toExponential(1)} (${worst(by).name})`;
  console.log(`  loss     ${ourLoss.toFixed(6)}, PyTorch ${loss.toFixed(6)}: differ by ${difference.toExponential(1)}`);
  console.log(`  gradient of all weights differs by ${whole.toExponential(1)} of its norm; at most, of ${all.length}:`);
  console.log(`           norm ${named('norm')}, vector ${named('vector')}`);
  return difference <= tolerances.loss && worst('vector').vector <= tolerances.gradient;
}

interface MeasureOptions {
  python: string;
  steps: number;
  threads: number;
  folder: string;
}

/** @returns whether the two agreed, as far as both were there */
async function measure({ python, steps, threads, folder }: MeasureOptions): Promise<boolean> {
  const parameters = startingWeights();
  const ours = await ourSide(parameters, join(folder, 'cache'));
  const { parts, batchSize, canvases } = nanoUpn;
  const [{ width, height }] = canvases;
  const weights = [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
  const size = `${(weights / 1e6).toFixed(2)} M weights, input [${parts} x ${batchSize},3,${height},${width}]`;
  console.log(`upn-nano, ${size}, ${cores} core(s), ${steps} steps`);
  const { gradients, answers } = await ours.computeGradients();
  let torch: ReturnType<typeof torchSide> | undefined;
  try {
    if (spawnSync(python, ['-c', 'import torch, safetensors']).status === 0) {
      const file = join(folder, 'step.safetensors');
      await writeStep(file, parameters, gradients, answers);
      torch = torchSide(python, file, threads);
      const loss = answers.reduce((sum, answer) => sum + answer.loss / answers.length, 0);
      if (!reportAgreement(loss, await torch.check())) {
        console.log(
          `  not the same network: at most ${tolerances.loss} of the loss, ${tolerances.gradient} of a gradient`,
        );
        return false;
      }
    }
    const times = { ours: [] as Awaited<ReturnType<typeof ours.step>>[], torch: [] as StepTime[] };
    for (let i = -1; i < steps; i++) {
      const time = await ours.step();
      const theirs = await torch?.step();
      if (i < 0) continue;
      times.ours.push(time);
      if (theirs !== undefined) times.torch.push(theirs);
    }
    const medianOf = (field: 'host' | 'update') => median(times.ours.map((time) => time[field])).toFixed(0);
    console.log(`  ours     ${describeTimes(times.ours, process.resourceUsage().maxRSS / 1024)}`);
    console.log(`           of which matching and targets ${medianOf('host')} ms, AdamW ${medianOf('update')} ms`);
    if (torch) {
      console.log(`  PyTorch  ${describeTimes(times.torch, await torch.peakMegabytes())}, ${threads} thread(s)`);
      console.log(`  ratio    ${describeRatios(times.ours, times.torch)}`);
    }
    return true;
  } finally {
    torch?.close();
    await ours.close();
  }
}

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    steps: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(cores) },
  },
});
const folder = await mkdtemp(join(tmpdir(), 'upn-step-'));
try {
  const { python, steps, threads } = values;
  if (!(await measure({ python, steps: Number(steps), threads: Number(threads), folder }))) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
