/** What all stages of training share: a run folder that says everything, batches made ahead, interruption and resumption. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { Feeds } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { createAdamwState, type GradientSet, type ParameterGroup } from './adamw.ts';
import { GradientSession } from './gradient-session.ts';
import { type InitialWeights, loadInitial } from './initial-weights.ts';
import { type Metrics, resumeIfPossible, type TrainingProgress, train } from './loop.ts';
import { initializeParameters, type ParameterSet } from './parameters.ts';
import { warmupCosine } from './schedule.ts';

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

/** Settings of a stage whose steps are computed in parts. */
export interface PartedSettings extends StageSettings {
  /**
   * Parts of a step's batch, computed side by side in threads of their own. Their gradients are averaged, so that a run
   * depends on this number, and not on the machine.
   */
  readonly parts: number;
}

export interface StageOptions {
  /** Where checkpoint, metrics and curves go. */
  readonly folder: string;
  /** Weights to start from where they should not start anew; every parameter that a `to` begins must be there. */
  readonly initial?: readonly InitialWeights[];
  /** Whether to go on with the run that is in the folder. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** What happens besides steps: rendering, loading. */
  readonly onStatus?: (text: string) => void;
}

/** Where a stage finds its data. */
export interface StageContext {
  /** The run's folder. */
  readonly folder: string;
  readonly cacheFolder: string;
  /** Where weights come from that do not start anew. */
  readonly initial?: readonly InitialWeights[];
  /** A model whose proposal network finds the boxes that stand beside the objects; random near misses without it. */
  readonly proposer?: string;
}

export interface Stage<Batch> {
  readonly name: string;
  readonly settings: StageSettings;
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly predictions?: Readonly<Record<string, Tensor>>;
  readonly isTrainable?: (name: string) => boolean;
  /** Parameters that belong to the model though no step reads them, as those of encoders that ran beforehand. */
  readonly unread?: readonly ParameterAttributes[];
  /** Rate and decay of a parameter; decay is given for matrices, not for biases, norms and embeddings of single vectors. */
  readonly group?: (name: string) => ParameterGroup;
  /** The data of a part of a step, a function of the two alone; there is but part 0 where a step has no parts. */
  readonly makeBatch: (step: number, part: number) => Promise<Batch>;
  /** Runs a batch through the session; plain feeds need nothing but `accumulate`. */
  readonly run: (
    session: GradientSession<string, string>,
    batch: Batch,
    step: number,
    part: number,
  ) => Promise<Metrics>;
  /** Figures on scenes that no step sees. */
  readonly validate?: (parameters: ParameterSet) => Promise<Metrics>;
  readonly close?: () => Promise<void>;
}

/** What a run is: its stage and its settings. */
export const runFile = (folder: string): string => join(folder, 'run.json');

/** A stage whose batches are feeds. */
export const runFeeds = (session: GradientSession<string, string>, feeds: Feeds): Promise<Metrics> =>
  session.accumulate(feeds);

/** What computes the gradients of a stage's steps. */
export interface GradientSource {
  computeGradients(step: number): Promise<{ gradients: GradientSet; metrics: Metrics }>;
  stop(): Promise<void>;
}

/**
 * Trains a stage in its folder and returns its parameters.
 * @param start starts what computes gradients: a session in this thread where nothing is said
 * @returns parameters, and whether the run was completed rather than interrupted
 * @throws ChatRexError when the folder holds another run, or a run and `resume` is not asked for
 */
export async function runStage<Batch>(
  stage: Stage<Batch>,
  { folder, initial, resume = false, signal, onProgress, onStatus }: StageOptions,
  start: (parameters: ParameterSet, trainable: readonly string[]) => Promise<GradientSource> = (parameters) =>
    startSession(stage, parameters),
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { name, settings, validate } = stage;
  await claimFolder(folder, { stage: name, settings }, resume);
  const graph = graphOf({ loss: stage.loss, ...stage.metrics, ...stage.predictions });
  const parameters = initializeParameters([...graph.parameters.values(), ...(stage.unread ?? [])], settings.seed);
  const trainable = [...graph.parameters.keys()].filter(stage.isTrainable ?? (() => true));
  const state = { step: 0, parameters, optimizer: createAdamwState(trainable, parameters) };
  if (!(await resumeIfPossible(folder, state)) && initial) await loadInitial(initial, parameters);
  onStatus?.('building sessions');
  const source = await start(parameters, trainable);
  try {
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
      optimizer: { maxNorm: settings.maxNorm, beta2: 0.99, group: (parameter) => groupOf(stage, parameter) },
      computeGradients: (step) => source.computeGradients(step),
      validate: validate && (() => validate(parameters)),
      validateEvery: settings.validateEvery,
      signal,
      onProgress,
    });
    return { parameters, isComplete };
  } finally {
    await source.stop();
  }
}

/** One session in this thread; the next batch is made while the runtime computes. */
async function startSession<Batch>(stage: Stage<Batch>, parameters: ParameterSet): Promise<GradientSource> {
  const { loss, metrics, predictions, isTrainable, settings } = stage;
  const session = await GradientSession.create<string, string>(loss, metrics, parameters, { predictions, isTrainable });
  let next: { step: number; batch: Promise<Batch> } | undefined;
  return {
    computeGradients: async (step) => {
      const batch = await (next?.step === step ? next.batch : stage.makeBatch(step, 0));
      const running = stage.run(session, batch, step, 0);
      if (step + 1 < settings.steps) next = { step: step + 1, batch: stage.makeBatch(step + 1, 0) };
      const found = await running;
      return { gradients: session.finish(), metrics: found };
    },
    stop: () => session.dispose(),
  };
}

function groupOf<Batch>({ group, settings }: Stage<Batch>, name: string): ParameterGroup {
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
