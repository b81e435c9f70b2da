/**
 * What all stages of training share: a run folder that says everything, batches made ahead, interruption and
 * resumption.
 */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenContext } from '../datasets/dataset.ts';
import { ChatRexError } from '../errors.ts';
import { writeBeside } from '../files.ts';
import type { Feeds } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { createAdamwState, type GradientSet, type ParameterGroup } from './adamw.ts';
import { GradientSession } from './gradient-session.ts';
import { type InitialWeights, loadInitial } from './initial-weights.ts';
import { resumeIfPossible, type TrainingProgress, train } from './loop.ts';
import type { Metrics } from './metrics.ts';
import { withoutOlderFields } from './older-config.ts';
import { initializeParameters, type ParameterSet } from './parameters.ts';
import { warmupCosine } from './schedule.ts';
import { WeightAverage } from './weight-average.ts';

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
  /** Decay of the mean of squared gradients; .99 by default. */
  readonly beta2?: number;
  /**
   * Share of a moving average of the weights that each step keeps, such as .999; validation and export then take the
   * average. Without it they take the weights of the last step.
   */
  readonly averageDecay?: number;
  readonly validateEvery: number;
}

/** Short runs see few steps: the mean of the last hundred follows them better than the usual thousand. */
const defaultBeta2 = 0.99;

/** Settings of a stage whose steps are computed in parts. */
export interface PartedSettings extends StageSettings {
  /**
   * Parts of a step's batch, computed side by side in worker threads. Their gradients are averaged, so a run depends on
   * this number, and not on the machine.
   */
  readonly parts: number;
}

export interface StageOptions {
  /** Where checkpoint, metrics and curves go. */
  readonly folder: string;
  /** Weights to initialise from. Every parameter whose name begins with a `to` prefix must be found in its file. */
  readonly initial?: readonly InitialWeights[];
  /** Whether to continue the run that is in the folder. */
  readonly resume?: boolean;
  /** For a process that computes the same run as another, which writes the folder: it writes nothing there. */
  readonly isFollower?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Hears what takes long besides steps: indexing, rendering, building sessions. */
  readonly onStatus?: (text: string) => void;
}

/** Where a stage finds its data. */
export interface StageContext extends OpenContext {
  /** The run's folder. */
  readonly folder: string;
  /** Weights to initialise from. */
  readonly initial?: readonly InitialWeights[];
  /** A model whose proposal network finds the boxes beside the annotated ones; random near misses without it. */
  readonly proposer?: string;
  /** A model folder whose vocabulary the run's tokenizer continues; its own words alone without it. */
  readonly language?: string;
}

/** What a step computes for batches of one kind. */
export interface StageGraph {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly predictions?: Readonly<Record<string, Tensor>>;
}

export interface Stage<Batch> {
  readonly name: string;
  readonly settings: StageSettings;
  /** Of the data: a run refuses to resume on other data. Missing where a batch is computed from the step alone. */
  readonly fingerprint?: string;
  /** One for each kind of batch, all of the same parameters; most stages have one kind. */
  readonly graphs: readonly [StageGraph, ...StageGraph[]];
  /** Which graph a batch is for; the first by default. */
  readonly graphOf?: (batch: Batch) => number;
  readonly isTrainable?: (name: string) => boolean;
  /** Parameters that belong to the model though no step reads them: those of encoders that ran beforehand. */
  readonly unread?: readonly ParameterAttributes[];
  /**
   * Rate and decay of a parameter. By default matrices decay; biases, norms and embeddings of single vectors do not.
   */
  readonly group?: (name: string) => ParameterGroup;
  /** The batch for one part of a step. It depends on `step` and `part` only. An undivided step has part 0. */
  readonly makeBatch: (step: number, part: number) => Promise<Batch>;
  /** Runs a batch through the session of its graph; plain feeds need nothing but `accumulate`. */
  readonly run: (
    session: GradientSession<string, string>,
    batch: Batch,
    step: number,
    part: number,
  ) => Promise<Metrics>;
  /** Figures on samples that no step sees. */
  readonly validate?: (parameters: ParameterSet) => Promise<Metrics>;
  readonly close?: () => Promise<void>;
}

/** What a run is: its stage and its settings. */
export const runFile = (folder: string): string => join(folder, 'run.json');

/** A stage whose batches are feeds. */
export const runFeeds = (session: GradientSession<string, string>, feeds: Feeds): Promise<Metrics> =>
  session.accumulate(feeds);

/** What computes the gradients of a stage's steps: threads, or machines. */
export interface GradientSource {
  computeGradients(step: number): Promise<{ gradients: GradientSet; metrics: Metrics }>;
  stop(): Promise<void>;
}

/**
 * Trains a stage in its folder and returns its parameters.
 * @param start starts what computes gradients: by default sessions in this thread
 * @returns parameters, and whether the run was completed rather than interrupted
 * @throws ChatRexError when the folder holds another run, or a run and `resume` is not asked for
 */
export async function runStage<Batch>(
  stage: Stage<Batch>,
  { folder, initial, resume = false, isFollower = false, signal, onProgress, onStatus }: StageOptions,
  start: (parameters: ParameterSet, trainable: readonly string[]) => Promise<GradientSource> = (parameters) =>
    startSession(stage, parameters),
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { name, settings, validate } = stage;
  if (!isFollower) await claimFolder(folder, { stage: name, data: stage.fingerprint ?? 'made', settings }, resume);
  const graph = graphOf(tensorsOf(stage.graphs[0]));
  const parameters = initializeParameters([...graph.parameters.values(), ...(stage.unread ?? [])], settings.seed);
  const trainable = [...graph.parameters.keys()].filter(stage.isTrainable ?? (() => true));
  const { averageDecay } = settings;
  const average = averageDecay === undefined ? undefined : new WeightAverage(parameters, trainable, averageDecay);
  const state = { step: 0, parameters, optimizer: createAdamwState(trainable, parameters), average };
  if (!(await resumeIfPossible(folder, state)) && initial) {
    await loadInitial(initial, parameters);
    average?.reset(parameters);
  }
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
      optimizer: {
        maxNorm: settings.maxNorm,
        beta2: settings.beta2 ?? defaultBeta2,
        group: (parameter) => groupOf(stage, parameter),
      },
      computeGradients: (step) => source.computeGradients(step),
      isFollower,
      validate: validate && (() => validate(average?.parameters ?? parameters)),
      validateEvery: settings.validateEvery,
      signal,
      onProgress,
    });
    return { parameters: average?.parameters ?? parameters, isComplete };
  } finally {
    await source.stop();
  }
}

const tensorsOf = ({ loss, metrics, predictions }: StageGraph) => ({ loss, ...metrics, ...predictions });

/** Sessions of a stage's graphs, each made when its first batch comes. */
export class StageSessions<Batch> {
  readonly #stage: Stage<Batch>;
  readonly #parameters: ParameterSet;
  readonly #options: { readonly isTrainable?: (name: string) => boolean; readonly threads?: number };
  readonly #sessions = new Map<number, Promise<GradientSession<string, string>>>();

  constructor(
    stage: Stage<Batch>,
    parameters: ParameterSet,
    options: { readonly isTrainable?: (name: string) => boolean; readonly threads?: number } = {},
  ) {
    this.#stage = stage;
    this.#parameters = parameters;
    this.#options = options;
  }

  /** Gradients of one batch, which last until the next, and its loss and metrics. */
  async compute(batch: Batch, step: number, part: number): Promise<{ gradients: GradientSet; metrics: Metrics }> {
    const session = await this.open(this.#stage.graphOf?.(batch) ?? 0);
    const metrics = await this.#stage.run(session, batch, step, part);
    return { gradients: session.finish(), metrics };
  }

  open(index: number): Promise<GradientSession<string, string>> {
    let session = this.#sessions.get(index);
    if (!session) {
      const { loss, metrics, predictions } = this.#stage.graphs[index];
      session = GradientSession.create<string, string>(loss, metrics, this.#parameters, {
        predictions,
        ...this.#options,
      });
      this.#sessions.set(index, session);
    }
    return session;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(async (session) => (await session).dispose()));
  }
}

/** Sessions in this thread; the next batch is made while the runtime computes. */
async function startSession<Batch>(stage: Stage<Batch>, parameters: ParameterSet): Promise<GradientSource> {
  const sessions = new StageSessions(stage, parameters, { isTrainable: stage.isTrainable });
  await sessions.open(0);
  let next: { step: number; batch: Promise<Batch> } | undefined;
  return {
    computeGradients: async (step) => {
      const batch = await (next?.step === step ? next.batch : stage.makeBatch(step, 0));
      const running = sessions.compute(batch, step, 0);
      if (step + 1 < stage.settings.steps) {
        next = { step: step + 1, batch: stage.makeBatch(step + 1, 0) };
        // Told when its step comes.
        next.batch.catch(() => {});
      }
      return running;
    },
    stop: () => sessions.dispose(),
  };
}

function groupOf<Batch>({ group, settings }: Stage<Batch>, name: string): ParameterGroup {
  const isMatrix = /weight$/.test(name) && !/norm/.test(name);
  return { weightDecay: isMatrix ? settings.weightDecay : 0, ...group?.(name) };
}

/**
 * Writes `run.json`, or checks that the one in the folder describes the same run. A setting that has a default since is
 * accepted: the configuration was checked before and has it.
 */
async function claimFolder(folder: string, description: RunDescription, resume: boolean): Promise<void> {
  const path = runFile(folder);
  await requireRunFolder(folder, resume);
  if (!resume) {
    await writeBeside(path, (file) => file.writeFile(`${JSON.stringify(description, null, 2)}\n`));
    return;
  }
  const existing = await readFile(path, 'utf8');
  const older = parseDescription(existing, path);
  const known = { ...older, settings: withoutOlderFields(older.stage, older.settings ?? {}) };
  const difference = firstDifference(known, JSON.parse(JSON.stringify(description)));
  if (difference !== undefined) {
    throw new ChatRexError(
      'invalid-argument',
      `${path} describes another run: ${difference}; resume with the configuration and the data that it began with`,
    );
  }
}

/**
 * Checks a run folder before anything that takes long, and makes it.
 * @throws ChatRexError 'not-found' to resume a run that is not there; 'invalid-argument' to start one where one is, or
 *   where no folder can be made
 */
export async function requireRunFolder(folder: string, resume = false): Promise<void> {
  const isRun = (await readFile(runFile(folder), 'utf8').catch(() => undefined)) !== undefined;
  if (resume && !isRun) {
    throw new ChatRexError('not-found', `${folder} holds no run to resume; leave --resume out to start one`);
  }
  if (!resume && isRun) {
    throw new ChatRexError(
      'invalid-argument',
      `${folder} already holds a run; resume it with --resume or name another folder`,
    );
  }
  await makeFolder(folder);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('invalid-argument', `${folder} cannot be made (${cause.code}); name another run folder`, {
      cause,
    });
  });
}

interface RunDescription {
  readonly stage: string;
  readonly data: string;
  readonly settings: object;
}

function parseDescription(text: string, path: string): RunDescription {
  try {
    return JSON.parse(text) as RunDescription;
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path} is not JSON; name another run folder`, { cause });
  }
}

/** Where two JSON values differ, in words; a field that the older one lacks does not count. */
function firstDifference(older: unknown, newer: unknown, path = ''): string | undefined {
  if (typeof older === 'object' && typeof newer === 'object' && older !== null && newer !== null) {
    for (const [name, value] of Object.entries(older)) {
      const difference = firstDifference(
        value,
        (newer as Record<string, unknown>)[name],
        path ? `${path}.${name}` : name,
      );
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  if (Object.is(older, newer)) return undefined;
  return `${path} is ${JSON.stringify(older)} there and ${JSON.stringify(newer) ?? 'missing'} here`;
}
