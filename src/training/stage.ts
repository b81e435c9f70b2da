/** What all stages of training share: a run folder that says everything, batches made ahead, interruption and resumption. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { Feeds } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { createAdamwState, type ParameterGroup } from './adamw.ts';
import { GradientSession } from './gradient-session.ts';
import { initializeParameters, type ParameterSet } from './parameters.ts';
import { warmupCosine } from './schedule.ts';
import { type Metrics, resumeIfPossible, type TrainingProgress, train } from './train.ts';

/** The part of every stage's configuration that the loop itself reads. */
export interface StageSettings {
  /** Seed of weights, data order, augmentation and noise. */
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Share of the learning rate that is left at the end. */
  readonly finalRate: number;
  /** Most that the norm of all gradients may be. */
  readonly maxNorm: number;
  readonly weightDecay: number;
  readonly validateEvery: number;
}

export interface StageOptions {
  /** Where checkpoint, metrics and curves go. */
  readonly folder: string;
  /** Whether to go on with the run that is in the folder. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** What happens besides steps: rendering, loading. */
  readonly onStatus?: (text: string) => void;
}

export interface Stage<Batch> {
  readonly name: string;
  readonly settings: StageSettings;
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly predictions?: Readonly<Record<string, Tensor>>;
  /** Values to start from where they should not start anew. */
  readonly initial?: (parameters: ParameterSet) => Promise<void>;
  readonly isTrainable?: (name: string) => boolean;
  /** Rate and decay of a parameter; decay is given for matrices, not for biases, norms and embeddings of single vectors. */
  readonly group?: (name: string) => ParameterGroup;
  /** The data of a step, a function of the step alone. */
  readonly makeBatch: (step: number) => Promise<Batch>;
  /** Runs a batch through the session; plain feeds need nothing but `accumulate`. */
  readonly run: (session: GradientSession<string, string>, batch: Batch, step: number) => Promise<Metrics>;
  readonly validate?: (parameters: ParameterSet) => Promise<Metrics>;
}

/** What a run is: its stage and its settings. */
export const runFile = (folder: string): string => join(folder, 'run.json');

/** A stage whose batches are feeds. */
export const runFeeds = (session: GradientSession<string, string>, feeds: Feeds): Promise<Metrics> =>
  session.accumulate(feeds);

/**
 * Trains a stage in its folder and returns its parameters.
 * @returns parameters, and whether the run was completed rather than interrupted
 * @throws ChatRexError when the folder holds another run, or a run and `resume` is not asked for
 */
export async function runStage<Batch>(
  stage: Stage<Batch>,
  { folder, resume = false, signal, onProgress, onStatus }: StageOptions,
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { settings } = stage;
  await claimFolder(folder, { stage: stage.name, settings }, resume);
  const graph = graphOf({ loss: stage.loss, ...stage.metrics, ...stage.predictions });
  const parameters = initializeParameters(graph.parameters.values(), settings.seed);
  const trainable = [...parameters.keys()].filter(stage.isTrainable ?? (() => true));
  const state = { step: 0, parameters, optimizer: createAdamwState(trainable, parameters) };
  if (!(await resumeIfPossible(folder, state))) await stage.initial?.(parameters);
  onStatus?.('building the session');
  const session = await GradientSession.create(stage.loss, stage.metrics, parameters, {
    predictions: stage.predictions,
    isTrainable: stage.isTrainable,
  });
  const isLast = (step: number) => step + 1 >= settings.steps;
  let next = stage.makeBatch(state.step);
  const isComplete = await train({
    folder,
    state,
    totalSteps: settings.steps,
    learningRate: settings.learningRate,
    schedule: warmupCosine({
      warmupSteps: settings.warmupSteps,
      totalSteps: settings.steps,
      floor: settings.finalRate,
    }),
    optimizer: { maxNorm: settings.maxNorm, beta2: 0.99, group: (name) => groupOf(stage, name) },
    computeGradients: async (step) => {
      const running = stage.run(session as GradientSession<string, string>, await next, step);
      // The next batch is made while the runtime computes.
      if (!isLast(step)) next = stage.makeBatch(step + 1);
      const metrics = await running;
      return { gradients: session.finish(), metrics };
    },
    validate: stage.validate && (() => (stage.validate as (p: ParameterSet) => Promise<Metrics>)(parameters)),
    validateEvery: settings.validateEvery,
    signal,
    onProgress,
  });
  await session.dispose();
  return { parameters, isComplete };
}

function groupOf<Batch>({ settings, group }: Stage<Batch>, name: string): ParameterGroup {
  const isMatrix = /weight$/.test(name) && !/norm/.test(name);
  return { weightDecay: isMatrix ? settings.weightDecay : 0, ...group?.(name) };
}

/** Writes `run.json`, or checks that the one in the folder describes the same run. */
async function claimFolder(folder: string, description: object, resume: boolean): Promise<void> {
  const path = runFile(folder);
  const text = `${JSON.stringify(description, null, 2)}\n`;
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing === undefined) {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text);
    return;
  }
  if (!resume) {
    throw new ChatRexError(
      'invalid-argument',
      `${folder} already holds a run; resume it with --resume or name another`,
    );
  }
  if (existing !== text) {
    throw new ChatRexError('invalid-argument', `${path} describes another configuration; resume with that one`);
  }
}
