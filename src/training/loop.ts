/** The loop: batches in, gradients, update, records and checkpoints; it stops and resumes at any step. */

import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { naming, removeLeftovers, writeBeside } from '../files.ts';
import { type AdamwOptions, adamwStep, type GradientSet } from './adamw.ts';
import { loadTrainingState, saveTrainingState, type TrainingState } from './checkpoint.ts';
import { writeCurves } from './curves.ts';
import { DivergenceWatch } from './divergence.ts';
import type { Metrics } from './metrics.ts';
import type { Schedule } from './schedule.ts';

export interface TrainingRun {
  /** Folder for the checkpoint, `metrics.jsonl` and `curves.png`. */
  folder: string;
  state: TrainingState;
  totalSteps: number;
  learningRate: number;
  schedule: Schedule;
  optimizer: AdamwOptions;
  /** Gradients of one step's batch, and its loss and metrics; a function of the step alone. */
  computeGradients: (step: number) => Promise<{ gradients: GradientSet; metrics: Metrics }>;
  /** Whether another process writes the folder and takes the figures; this one has the same state after every step. */
  isFollower?: boolean;
  /** Figures on held-out data, every `validateEvery` steps and at the end. */
  validate?: () => Promise<Metrics>;
  validateEvery?: number;
  /** Minutes between checkpoints. */
  checkpointMinutes?: number;
  onProgress?: (progress: TrainingProgress) => void;
  signal?: AbortSignal;
}

export interface TrainingProgress {
  step: number;
  totalSteps: number;
  metrics: Metrics;
  /** What the step took. */
  seconds: number;
}

export const checkpointFile = (folder: string): string => join(folder, 'checkpoint.safetensors');
export const metricsFile = (folder: string): string => join(folder, 'metrics.jsonl');

/** Loads the folder's checkpoint into `state` if there is one. Returns whether there was. */
export async function resumeIfPossible(folder: string, state: TrainingState): Promise<boolean> {
  const path = checkpointFile(folder);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) await loadTrainingState(path, state);
  return exists;
}

/**
 * Trains from `state.step` to `totalSteps`; a checkpoint is written at the end and when `signal` aborts.
 * Returns false when it was interrupted.
 * @throws ChatRexError 'diverged' when losses or gradients stay infinite or NaN; the checkpoint is then the last sound
 *   one
 */
export async function train(run: TrainingRun): Promise<boolean> {
  const { folder, state, totalSteps } = run;
  const records = run.isFollower ? undefined : await openRecords(run);
  const watch = new DivergenceWatch(folder, state.step);
  let savedAt = Date.now();
  const save = async () => {
    if (!records) return;
    await saveTrainingState(checkpointFile(folder), state);
    await writeCurves(folder, await records.read());
    watch.savedStep = state.step;
    savedAt = Date.now();
  };
  try {
    while (state.step < totalSteps && !run.signal?.aborted) {
      const started = performance.now();
      const learningRate = run.learningRate * run.schedule(state.step);
      const { gradients, metrics } = await run.computeGradients(state.step).catch((error: unknown) => {
        throw watch.wrap(state.step, error);
      });
      const gradientNorm = adamwStep(state.parameters, gradients, state.optimizer, learningRate, run.optimizer);
      state.step++;
      state.average?.follow(state.parameters, state.step);
      const seconds = (performance.now() - started) / 1000;
      await records?.append({ step: state.step, ...metrics, gradientNorm, learningRate, seconds });
      watch.look(state.step, metrics.loss, gradientNorm, learningRate);
      if (records && run.validate && (state.step % (run.validateEvery ?? 1000) === 0 || state.step === totalSteps)) {
        await records.append({ step: state.step, ...prefixed('val ', await run.validate()) });
      }
      run.onProgress?.({ step: state.step, totalSteps, metrics, seconds });
      const isDue = Date.now() - savedAt > (run.checkpointMinutes ?? 3) * 60_000;
      // What may be diverging must not take the place of a good checkpoint.
      if (isDue && watch.isSound) await save();
    }
    await save();
  } finally {
    await records?.close();
  }
  return state.step >= totalSteps;
}

async function openRecords({ folder, state }: TrainingRun): Promise<MetricsLog> {
  await mkdir(folder, { recursive: true });
  await removeLeftovers(checkpointFile(folder));
  return MetricsLog.open(metricsFile(folder), state.step);
}

const prefixed = (prefix: string, metrics: Metrics): Metrics =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [prefix + name, value]));

/** One JSON object a line. Lines past the step that a run resumes from are dropped, so that a step appears once. */
class MetricsLog {
  readonly #path: string;
  readonly #file: Awaited<ReturnType<typeof open>>;

  private constructor(path: string, file: Awaited<ReturnType<typeof open>>) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string, fromStep: number): Promise<MetricsLog> {
    const kept = (await readFile(path, 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '' && isBefore(line, fromStep));
    await writeBeside(path, (file) => file.writeFile(kept.map((line) => `${line}\n`).join('')));
    return new MetricsLog(path, await open(path, 'a'));
  }

  async append(metrics: Metrics): Promise<void> {
    await naming(this.#path, () => this.#file.appendFile(`${JSON.stringify(metrics)}\n`));
  }

  async read(): Promise<Metrics[]> {
    const text = await readFile(this.#path, 'utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Metrics);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A line cut off by an interruption does not parse and is dropped too. */
function isBefore(line: string, step: number): boolean {
  try {
    return (JSON.parse(line) as { step: number }).step <= step;
  } catch {
    return false;
  }
}
