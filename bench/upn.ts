/**
 * UPN-Large on one image against the official network in PyTorch: time, memory, agreement, and where our time goes.
 *
 *     npx tsx bench/upn.ts --python PATH --official CHECKOUT [--size 800x1066] [--threads N] [--rounds N] [--runs N]
 *
 *     npx tsx bench/upn.ts --int8 [--only float|int8] [--size 800x1066] [--threads N] [--rounds N] [--runs N]
 *
 * CHECKOUT is IDEA-Research/ChatRex, PATH a Python with torch and timm. With --int8 the network in int8 takes the
 * place of the official one, and ratios are of float to int8; --only measures one of the two, in a minute or so.
 * Without a checkpoint one with random weights is made in the temporary folder. Each run is a process of its own, so
 * that its peak memory is its own; the two take turns, so that whatever else the machine does falls on both; ratios
 * are of medians over --runs. Without --official only our side runs. On a busy machine --threads 1 and the processor
 * time tell the two apart, where the clock on the wall cannot.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { upnPresets } from '../src/proposals/config.ts';
import { int8LayersOf } from '../src/proposals/int8-layers.ts';
import { loadStoredUpn } from '../src/proposals/load.ts';
import { quantizeUpn } from '../src/proposals/quantize.ts';
import { patterned } from '../src/proposals/testing/patterned.ts';
import { proposalGraph } from '../src/proposals/upn.ts';
import { type HostTensor, hostTensor } from '../src/runtime/host-tensor.ts';
import { formatProfile, readProfile } from '../src/runtime/profile.ts';
import { Session } from '../src/runtime/session.ts';
import { processorName } from './processor.ts';
import { ensurePatternedCheckpoint } from './upn-checkpoint.ts';

/** What one process measured. The first run of a process pays for memory that later runs find ready. */
interface Measured {
  seconds: number[];
  cpuSeconds: number[];
  peakBytes: number;
  logits: number[];
  boxes: number[];
  createSeconds?: number;
  profile?: string;
}

/** Of logits of random weights, which reach 50, and of boxes as shares of the image. */
const tolerance = 1e-2;
const tools = fileURLToPath(new URL('../tools/reference/upn/', import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    official: { type: 'string' },
    size: { type: 'string', default: '800x1066' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '1' },
    runs: { type: 'string', default: '3' },
    checkpoint: { type: 'string' },
    int8: { type: 'boolean', default: false },
    only: { type: 'string' },
    ours: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

if (options.ours) process.stdout.write(JSON.stringify(await measureOurs()));
else await compare();

async function measureOurs(): Promise<Measured> {
  const [height, width] = options.size.split('x').map(Number);
  const { weights } = await loadStoredUpn(options.checkpoint as string);
  const int8Layers = int8LayersOf(weights.keys());
  const graph = proposalGraph(upnPresets['upn-large'], { height, width }, false, ['fine'], int8Layers);
  const startedAt = performance.now();
  const profilePrefix = options.profile;
  const session = await Session.create(graph, weights, {
    threads: Number(options.threads),
    plansMemory: false,
    optimizes: int8Layers.size === 0,
    profilePrefix,
  });
  const createSeconds = (performance.now() - startedAt) / 1000;
  const pixels = patterned('image', 3 * height * width, 1);
  const images = hostTensor('float32', [1, 3, height, width], pixels);
  const [seconds, cpuSeconds]: number[][] = [[], []];
  let results: Record<string, HostTensor> = {};
  for (let run = 0; run < Number(options.runs); run++) {
    const [start, cpuStart] = [performance.now(), process.cpuUsage()];
    results = await session.run({ images });
    const { user, system } = process.cpuUsage(cpuStart);
    seconds.push((performance.now() - start) / 1000);
    cpuSeconds.push((user + system) / 1e6);
  }
  const numbers = (name: string) => Array.from(results[name].data as Float32Array);
  if (profilePrefix) session.endProfiling();
  await session.dispose();
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return {
    seconds,
    cpuSeconds,
    peakBytes,
    createSeconds,
    logits: numbers('fine logits'),
    boxes: numbers('fine boxes'),
  };
}

async function compare(): Promise<void> {
  const { official, python, size, threads } = options;
  const checkpoint = options.checkpoint ?? (await madeCheckpoint());
  const self = fileURLToPath(import.meta.url);
  const common = ['--size', size, '--threads', threads];
  const ourRun = (more: string[], path = checkpoint) =>
    runJson(process.execPath, [...process.execArgv, self, '--ours', ...common, '--checkpoint', path, ...more]);
  console.log(`processor: ${processorName()}`);
  if (options.int8) return compareInt8(checkpoint, ourRun);
  for (let round = 0; round < Number(options.rounds); round++) {
    const ours = ourRun(['--runs', options.runs]);
    report('ours', ours);
    if (!official) continue;
    const theirs = runJson(python, [
      ...[join(tools, 'bench.py'), '--code', official, '--runs', options.runs],
      ...[...common, '--checkpoint', checkpoint],
    ]);
    report('PyTorch', theirs);
    const ratio = (a: number[], b: number[]) => (median(a) / median(b)).toFixed(2);
    console.log(
      `PyTorch / ours: ${ratio(theirs.seconds, ours.seconds)} in time, ${ratio(theirs.cpuSeconds, ours.cpuSeconds)} in ` +
        `processor time, ${(theirs.peakBytes / ours.peakBytes).toFixed(2)} in memory; ${agreement(ours, theirs)}`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'upn-profile-'));
  ourRun(['--runs', '1', '--profile', join(folder, 'trace')]);
  const [trace] = await readdir(folder);
  console.log(`\nwhere our time goes\n${formatProfile(await readProfile(join(folder, trace)))}`);
  await rm(folder, { recursive: true });
}

/** Float and int8 in turns; ratios of the medians over all rounds, without the first run of a process of several. */
async function compareInt8(checkpoint: string, run: (more: string[], path: string) => Measured): Promise<void> {
  const rounded = checkpoint.replace(/\.\w+$/, '-int8.safetensors');
  if (!existsSync(rounded)) await quantizeUpn(checkpoint, rounded);
  const all: Record<'float' | 'int8', Measured[]> = { float: [], int8: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, path] of [
      ['float', checkpoint],
      ['int8', rounded],
    ] as const) {
      if (options.only && options.only !== name) continue;
      const measured = run(['--runs', options.runs], path);
      report(name, measured);
      all[name].push(measured);
    }
  }
  if (options.only) return;
  const settled = (name: 'float' | 'int8', field: 'seconds' | 'cpuSeconds') =>
    median(all[name].flatMap((measured) => measured[field].slice(measured[field].length > 1 ? 1 : 0)));
  const peak = (name: 'float' | 'int8') => median(all[name].map(({ peakBytes }) => peakBytes));
  const ratio = (field: 'seconds' | 'cpuSeconds') => (settled('float', field) / settled('int8', field)).toFixed(2);
  console.log(
    `float / int8: ${ratio('seconds')} in time, ${ratio('cpuSeconds')} in processor time, ` +
      `${(peak('float') / peak('int8')).toFixed(2)} in memory`,
  );
}

/** With random weights: the official network's where its code is at hand, else ours. */
async function madeCheckpoint(): Promise<string> {
  const { official, python } = options;
  const path = join(tmpdir(), official ? 'upn_large_random.pth' : 'upn_large_patterned.safetensors');
  if (!official) await ensurePatternedCheckpoint(path);
  else if (!existsSync(path))
    runJson(python, [join(tools, 'make_official_checkpoint.py'), '--code', official, '--out', path], false);
  return path;
}

function report(name: string, { seconds, cpuSeconds, peakBytes, createSeconds }: Measured): void {
  const list = (values: number[]) => values.map((value) => value.toFixed(1)).join(', ');
  const created = createSeconds === undefined ? '' : `, made in ${createSeconds.toFixed(1)} s`;
  const memory = `${(peakBytes / 2 ** 30).toFixed(2)} GiB at most`;
  console.log(`${name.padEnd(8)} ${list(seconds)} s (processor ${list(cpuSeconds)} s), ${memory}${created}`);
}

/**
 * Query by query, in order. Tokens whose similarities tie may be selected in another order or not at all, and then
 * another box stands in their place: `npm run parity -- upn` allows for that, this only counts.
 */
function agreement(ours: Measured, theirs: Measured): string {
  const count = ours.logits.length;
  const isClose = (query: number) =>
    Math.abs(ours.logits[query] - theirs.logits[query]) < tolerance &&
    [0, 1, 2, 3].every((side) => Math.abs(ours.boxes[4 * query + side] - theirs.boxes[4 * query + side]) < tolerance);
  const close = Array.from({ length: count }, (_, query) => isClose(query)).filter(Boolean).length;
  return `${close} of ${count} queries agree to ${tolerance}`;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function runJson(command: string, args: string[], hasResult = true): Measured {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stderr}`);
  return hasResult ? JSON.parse(stdout) : { seconds: [], cpuSeconds: [], peakBytes: 0, logits: [], boxes: [] };
}
