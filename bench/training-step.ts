/**
 * Time and memory of a training step (forward, gradients, AdamW) against PyTorch on the same threads.
 *
 *     npx tsx bench/training-step.ts [transformer|convnext|convnext-7] [--python PATH] [--steps N] [--threads N] [--profile PREFIX]
 *
 * The two run in turns, so that whatever else the machine does falls on both. Without a Python that has torch only our
 * times are printed. Processor time is shown too: with `--threads 1` it tells the two apart even on a busy machine,
 * where the clock on the wall cannot. `--profile` writes Chrome traces of our steps (then PyTorch does not run).
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attend, mergeHeads, splitHeads } from '../src/nn/attention.ts';
import { layerNorm } from '../src/nn/layer-norm.ts';
import { linear } from '../src/nn/linear.ts';
import { createScope, type Scope } from '../src/nn/scope.ts';
import { hostTensor } from '../src/runtime/host-tensor.ts';
import { graphOf } from '../src/tensor/graph.ts';
import { add } from '../src/tensor/ops/add.ts';
import { gelu } from '../src/tensor/ops/gelu.ts';
import { input } from '../src/tensor/ops/input.ts';
import { multiply } from '../src/tensor/ops/multiply.ts';
import { reduceMean } from '../src/tensor/ops/reduce-mean.ts';
import { split } from '../src/tensor/ops/split.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { adamwStep, createAdamwState } from '../src/training/adamw.ts';
import { GradientSession } from '../src/training/gradient-session.ts';
import { initializeParameters } from '../src/training/parameters.ts';
import { convNext, convNextPresets } from '../src/vision/convnext.ts';
import { describeRatios, describeTimes, median, type StepTime } from './step-time.ts';

const cases: Record<string, { shape: number[]; model: (scope: Scope) => (x: Tensor) => Tensor }> = {
  transformer: { shape: [16, 256, 192], model: (scope) => transformer(scope, { width: 192, heads: 3, layers: 4 }) },
  // Kernels of 5 x 5 as the bundled models have, and of 7 x 7 as the paper has.
  convnext: {
    shape: [16, 3, 128, 128],
    model: (scope) => (x) => convNext(scope, convNextPresets['convnext-nano'])(x)[3],
  },
  'convnext-7': {
    shape: [16, 3, 128, 128],
    model: (scope) => (x) => convNext(scope, { ...convNextPresets['convnext-nano'], kernelSize: 7 })(x)[3],
  },
};

/** A pre-norm transformer encoder, as in ViT. */
function transformer(scope: Scope, { width, heads, layers }: { width: number; heads: number; layers: number }) {
  const blocks = Array.from({ length: layers }, (_, i) => {
    const at = scope.at(i);
    const [norm1, norm2] = [layerNorm(at.at('norm1'), width), layerNorm(at.at('norm2'), width)];
    const [qkv, proj] = [linear(at.at('qkv'), width, 3 * width), linear(at.at('proj'), width, width)];
    const [fc1, fc2] = [linear(at.at('fc1'), width, 4 * width), linear(at.at('fc2'), 4 * width, width)];
    return (x: Tensor): Tensor => {
      const parts = split(qkv(norm1(x)), { axis: 2, lengths: [width, width, width] });
      const [q, k, v] = parts.map((part) => splitHeads(part, heads));
      const attended = add(x, proj(mergeHeads(attend(q, k, v))));
      return add(attended, fc2(gelu(fc1(norm2(attended)))));
    };
  });
  return (x: Tensor): Tensor => blocks.reduce((value, block) => block(value), x);
}

/** Our side: a function that does one step and returns its milliseconds, and its share spent in the optimizer. */
async function ourStepper({ shape, model }: (typeof cases)[string], threads: number, profilePrefix?: string) {
  const scope = createScope();
  const y = model(scope)(input('x', 'float32', shape));
  const loss = reduceMean(multiply(y, y));
  const parameters = initializeParameters(graphOf({ loss }).parameters.values(), 1);
  const options = { threads, ...(profilePrefix === undefined ? {} : { profilePrefix }) };
  const session = await GradientSession.create(loss, {}, parameters, options);
  const optimizer = createAdamwState(parameters.keys(), parameters);
  const size = shape.reduce((a, b) => a * b, 1);
  const feeds = {
    x: hostTensor(
      'float32',
      shape,
      Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37)),
    ),
  };
  const step = async () => {
    const start = performance.now();
    const before = process.cpuUsage();
    await session.accumulate(feeds);
    const gradients = session.finish();
    const middle = performance.now();
    adamwStep(parameters, gradients, optimizer, 1e-3, { group: () => ({ weightDecay: 0.01 }) });
    const { user, system } = process.cpuUsage(before);
    const end = performance.now();
    return { wall: end - start, processor: (user + system) / 1000, update: end - middle };
  };
  const weights = [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { step, weights, close: () => session.endProfiling() };
}

/** PyTorch's side: a process that does one step per line it gets. */
function torchStepper(python: string, name: string, threads: number) {
  const script = fileURLToPath(new URL('../tools/reference/training_step.py', import.meta.url));
  const child: ChildProcess = spawn(python, [script, name, String(threads)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ask = async (line: string) => {
    child.stdin!.write(`${line}\n`);
    return String((await lines.next()).value)
      .split(' ')
      .map(Number);
  };
  const step = async () => {
    const [wall, processor] = await ask('step');
    return { wall, processor };
  };
  return { step, peakMegabytes: async () => (await ask('memory'))[0], close: () => child.stdin!.end() };
}

interface MeasureOptions {
  python: string;
  steps: number;
  threads: number;
  profilePrefix?: string;
}

async function measure(name: string, { python, steps, threads, profilePrefix }: MeasureOptions): Promise<void> {
  const ours = await ourStepper(cases[name], threads, profilePrefix);
  const hasTorch = profilePrefix === undefined && spawnSync(python, ['-c', 'import torch']).status === 0;
  const torch = hasTorch ? torchStepper(python, name, threads) : undefined;
  const times = { ours: [] as StepTime[], update: [] as number[], torch: [] as StepTime[] };
  for (let i = -2; i < steps; i++) {
    const { update, ...time } = await ours.step();
    const theirs = await torch?.step();
    if (i < 0) continue;
    times.ours.push(time);
    times.update.push(update);
    if (theirs !== undefined) times.torch.push(theirs);
  }
  const size = `${(ours.weights / 1e6).toFixed(2)} M weights, input [${cases[name].shape}]`;
  console.log(`${name}, ${size}, ${threads} thread(s), ${steps} steps`);
  console.log(`  ours     ${describeTimes(times.ours, process.resourceUsage().maxRSS / 1024)}`);
  console.log(`           of which AdamW ${median(times.update).toFixed(0)} ms`);
  if (torch) {
    console.log(`  PyTorch  ${describeTimes(times.torch, await torch.peakMegabytes())}`);
    console.log(`  ratio    ${describeRatios(times.ours, times.torch)}`);
    torch.close();
  }
  if (profilePrefix !== undefined) ours.close();
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    steps: { type: 'string', default: '15' },
    threads: { type: 'string', default: String(availableParallelism()) },
    profile: { type: 'string' },
  },
});
if (positionals.length === 1) {
  const { python, steps, threads, profile } = values;
  await measure(positionals[0], { python, steps: Number(steps), threads: Number(threads), profilePrefix: profile });
} else {
  // A process for each, so that the peaks of memory are their own.
  for (const name of Object.keys(cases)) {
    spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1), name], { stdio: 'inherit' });
  }
}
