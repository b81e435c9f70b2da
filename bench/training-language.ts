/**
 * Time and memory of a training step whose language model has a real vocabulary, against the same step in PyTorch.
 *
 *     npx tsx bench/training-language.ts [--python PATH] [--steps 5] [--threads N]
 *
 * The language model has the shape of SmolLM2-135M (49,152 tokens, width 576, 30 layers, tied) and random weights; the
 * image is encoded beforehand. One sample of 400 tokens, 200 of them due. First the projectors learn alone, then
 * everything does. PATH is a Python with torch and safetensors; without it only our figures are printed. Both begin
 * with the same weights and the run fails where their losses or gradients disagree. Each runs in a process of its own;
 * they take their steps in turns. PyTorch is given the projectors' outputs, so its step is without the projectors
 * themselves, which are small.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeRatios, describeTimes, type StepTime } from './step-time.ts';

/** What both sides answer to `check`. */
interface Check {
  readonly loss: number;
  /** Norms of gradients, by parameter. */
  readonly norms: Readonly<Record<string, number>>;
}

/** A process that answers every line by one line of JSON. */
class Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<Answer>(command: string): Promise<Answer> {
    this.#child.stdin!.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`a side ended at '${command}'`);
    return JSON.parse(value);
  }

  close(): void {
    this.#child.stdin!.end();
  }
}

/** Most that losses and norms of gradients may differ, as shares of ours. */
const tolerance = 2e-3;

function agree(ours: Check, theirs: Check): boolean {
  const apart = (a: number, b: number) => Math.abs(a - b) / Math.abs(a);
  const shared = Object.keys(theirs.norms).map((name) => [name, apart(ours.norms[name], theirs.norms[name])] as const);
  const [name, most] = shared.reduce((worst, one) => (one[1] > worst[1] ? one : worst), ['-', 0] as const);
  const loss = apart(ours.loss, theirs.loss);
  console.log(
    `  loss     ${ours.loss.toFixed(6)}, PyTorch ${theirs.loss.toFixed(6)}: differ by ${loss.toExponential(1)}`,
  );
  if (shared.length > 0) {
    console.log(`  norms of ${shared.length} gradients differ by at most ${most.toExponential(1)} (${name})`);
  }
  return loss < tolerance && most < tolerance;
}

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    steps: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const { python, threads } = values;
const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const hasTorch = spawnSync(python, ['-c', 'import torch, safetensors']).status === 0;
const folder = await mkdtemp(join(tmpdir(), 'language-step-'));
try {
  for (const learns of ['projectors', 'everything']) {
    const file = join(folder, `${learns}.safetensors`);
    const ours = new Side(process.execPath, [
      ...['--import', 'tsx', pathOf('./training-language-worker.ts')],
      ...[learns, threads, hasTorch ? file : ''],
    ]);
    const { tokens, weights, trained } = await ours.ask<Record<'tokens' | 'weights' | 'trained', number>>('size');
    console.log(`${learns}: ${trained} M of ${weights} M weights learn, ${tokens} tokens, ${threads} thread(s)`);
    const check = await ours.ask<Check>('check');
    const torch = hasTorch
      ? new Side(python, [pathOf('../tools/reference/language/training_step.py'), file, learns, threads])
      : undefined;
    if (torch && !agree(check, await torch.ask<Check>('check'))) {
      console.log(`  not the same step: at most ${tolerance} of a loss or a norm`);
      process.exitCode = 1;
    }
    const times = { ours: [] as StepTime[], torch: [] as StepTime[] };
    for (let i = -1; i < Number(values.steps); i++) {
      const time = await ours.ask<StepTime>('step');
      const theirs = await torch?.ask<StepTime>('step');
      if (i < 0) continue;
      times.ours.push(time);
      if (theirs) times.torch.push(theirs);
    }
    const peakOf = async (side: Side) => (await side.ask<{ megabytes: number }>('memory')).megabytes;
    console.log(`  ours     ${describeTimes(times.ours, await peakOf(ours))}`);
    if (torch) {
      console.log(`  PyTorch  ${describeTimes(times.torch, await peakOf(torch))}`);
      console.log(`  ratio    ${describeRatios(times.ours, times.torch)}`);
    }
    ours.close();
    torch?.close();
  }
} finally {
  await rm(folder, { recursive: true });
}
