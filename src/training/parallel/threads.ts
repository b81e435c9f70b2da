/**
 * A step's batch in parts, computed side by side in worker threads: a session for each, as far as there are cores. Most
 * operators of a training step are too small for several threads; whole parts are not.
 */

import { availableParallelism, cpus } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { ChatRexError } from '../../errors.ts';
import { askWorker, endWorker } from '../../workers/protocol.ts';
import { startWorker } from '../../workers/start-worker.ts';
import type { GradientSet } from '../adamw.ts';
import type { Metrics } from '../metrics.ts';
import type { ParameterSet } from '../parameters.ts';
import { type GradientSource, requireRunFolder, runStage, type StageContext, type StageOptions } from '../run.ts';
import { openStage, type StageConfigs, type StageDescription, type StageName } from '../stages.ts';
import type { Ranks } from './mpi.ts';
import { RankGradients } from './rank-gradients.ts';

/** What a worker starts with; the memory is shared, so that parameters and gradients are not sent. */
export interface PartWorkerData {
  readonly description: StageDescription;
  readonly parameters: readonly SharedTensor[];
  /** Which parts of every step it computes. */
  readonly parts: readonly number[];
  /** For each of these parts, where its gradients are written: trainable parameters only. */
  readonly gradients: readonly (readonly SharedTensor[])[];
  readonly threads: number;
}

export interface SharedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface RunningWorker {
  readonly worker: Worker;
  /** Counted from the first of this process. */
  readonly parts: readonly number[];
  /** The answer that it owes. */
  pending: Promise<Metrics[]>;
}

/**
 * Trains a stage by its name, its steps in parts; see `runStage`.
 * @param options.workers threads that share the parts; as many as there are cores by default. The run is the same bits
 *   with any number of them.
 * @param options.ranks processes that share the parts before their threads do; the first of them writes the run folder
 * @example const places = { folder: 'runs/upn', cacheFolder: 'runs/cache' };
 *   const { parameters, isComplete } = await trainStage('upn', config, places);
 */
export async function trainStage<Name extends StageName>(
  name: Name,
  settings: StageConfigs[Name],
  {
    cacheFolder,
    dataRoot,
    proposer,
    language,
    workers,
    ranks,
    ...options
  }: Omit<StageOptions, 'isFollower'> &
    Pick<StageContext, 'cacheFolder' | 'dataRoot' | 'proposer' | 'language'> & {
      readonly workers?: number;
      readonly ranks?: Ranks;
    },
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { folder, initial, signal, onStatus } = options;
  const isFollower = ranks !== undefined && ranks.rank > 0;
  const parts = partsOfRank(settings.parts, ranks);
  const context = { folder, cacheFolder, dataRoot, proposer, language, initial };
  const description = { name, settings, context } as StageDescription;
  if (!isFollower) await requireRunFolder(folder, options.resume);
  // The first makes what is kept in the cache folder; the others find it there.
  if (isFollower) await ranks.gather('');
  const stage = await openStage({ ...description, context: { ...context, signal, onStatus } } as StageDescription);
  if (!isFollower) await ranks?.gather('');
  const stopping = new AbortController();
  const runOptions = ranks ? { ...options, isFollower, signal: stopping.signal } : options;
  try {
    return await runStage(stage, runOptions, async (parameters, trainable) => {
      const own = await PartWorkers.start(description, parameters, trainable, parts, workers);
      if (!ranks) return own;
      // One rank that stops alone would leave the others waiting: all stop after the same step.
      return new RankGradients(own, ranks, {
        wantsStop: () => signal?.aborted ?? false,
        stop: () => stopping.abort(),
      });
    });
  } finally {
    await stage.close?.();
  }
}

/**
 * How many cores this process has. Processes that mpirun started on one machine share its cores, unless each is bound
 * to its own: then they are fewer than the machine's anyway.
 * @example ownCores({ OMPI_COMM_WORLD_LOCAL_SIZE: '2' }); // 1 on two cores
 */
export function ownCores(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  { available = availableParallelism(), all = cpus().length } = {},
): number {
  const ranks = Number(environment.OMPI_COMM_WORLD_LOCAL_SIZE ?? 1);
  const isShared = ranks > 1 && available * ranks > all;
  return isShared ? Math.max(1, Math.floor(available / ranks)) : available;
}

/**
 * Which parts of every step this rank computes.
 * @throws ChatRexError 'invalid-argument' when they cannot be shared equally
 */
function partsOfRank(parts: number, { rank, size }: Pick<Ranks, 'rank' | 'size'> = { rank: 0, size: 1 }): PartRange {
  if (parts % size === 0) return { first: (rank * parts) / size, count: parts / size };
  throw new ChatRexError(
    'invalid-argument',
    `parts ${parts}: expected a multiple of the ${size} ranks; change the configuration or mpirun -n`,
  );
}

interface PartRange {
  readonly first: number;
  readonly count: number;
}

export class PartWorkers implements GradientSource {
  readonly #workers: readonly RunningWorker[];
  readonly #parameters: ParameterSet;
  readonly #shared: readonly SharedTensor[];
  /** Gradients by part. */
  readonly #gradients: readonly (readonly SharedTensor[])[];
  readonly #means: Map<string, Float32Array>;

  private constructor(
    workers: readonly RunningWorker[],
    parameters: ParameterSet,
    shared: readonly SharedTensor[],
    gradients: readonly (readonly SharedTensor[])[],
  ) {
    this.#workers = workers;
    this.#parameters = parameters;
    this.#shared = shared;
    this.#gradients = gradients;
    this.#means = new Map(gradients[0].map(({ name, data }) => [name, new Float32Array(data.length)]));
  }

  /**
   * Starts the workers; resolves once every worker has created its session.
   * @param trainable names of the parameters whose gradients are wanted
   * @param range which parts of every step
   */
  static async start(
    description: StageDescription,
    parameters: ParameterSet,
    trainable: readonly string[],
    { first, count: parts }: PartRange,
    workers = ownCores(),
  ): Promise<PartWorkers> {
    const cores = ownCores();
    const workerCount = Math.max(1, Math.min(parts, workers));
    const shared = [...parameters].map(([name, { shape }]) => sharedTensor(name, shape));
    copyParameters(parameters, shared);
    const gradients = Array.from({ length: parts }, () =>
      trainable.map((name) => sharedTensor(name, parameters.get(name)?.shape ?? [])),
    );
    const started = Array.from({ length: workerCount }, (_, index): RunningWorker => {
      const own = Array.from({ length: parts }, (_, part) => part).filter((part) => part % workerCount === index);
      const data: PartWorkerData = {
        description,
        parameters: shared,
        parts: own.map((part) => first + part),
        gradients: own.map((part) => gradients[part]),
        // Depends on the parts and not on the workers, so that another number of workers gives the same bits.
        threads: Math.max(1, Math.floor(cores / parts)),
      };
      const worker = startWorker('./part-worker.ts', import.meta.url, data);
      return ask({ worker, parts: own, pending: Promise.resolve([]) }, 'open');
    });
    const source = new PartWorkers(started, parameters, shared, gradients);
    await source.#answers();
    return source;
  }

  /**
   * Means over all parts of gradients and metrics, at the parameters as they are now. They last until the next step.
   */
  async computeGradients(step: number): Promise<{ gradients: GradientSet; metrics: Metrics }> {
    copyParameters(this.#parameters, this.#shared);
    for (const worker of this.#workers) ask(worker, step);
    const answers = await this.#answers();
    this.#averageGradients();
    return { gradients: this.#means, metrics: this.#averageMetrics(answers) };
  }

  /** In the order of the parts, whoever computed them. */
  #averageGradients(): void {
    const count = this.#gradients.length;
    this.#gradients.forEach((ofPart, part) => {
      const isLast = part === count - 1;
      for (const { name, data } of ofPart) {
        const mean = this.#means.get(name) as Float32Array;
        if (part === 0) mean.set(data);
        else for (let i = 0; i < mean.length; i++) mean[i] += data[i];
        if (isLast && count > 1) for (let i = 0; i < mean.length; i++) mean[i] /= count;
      }
    });
  }

  #averageMetrics(answers: readonly Metrics[][]): Metrics {
    const byPart: Metrics[] = [];
    this.#workers.forEach(({ parts }, index) => {
      for (const [i, part] of parts.entries()) byPart[part] = answers[index][i];
    });
    const sums: Record<string, number> = {};
    for (const ofPart of byPart) {
      for (const [name, value] of Object.entries(ofPart)) sums[name] = (sums[name] ?? 0) + value;
    }
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / byPart.length]));
  }

  /** Ends the workers, each after the parts that it is at. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker, pending }) => endWorker(worker, pending)));
  }

  async #answers(): Promise<Metrics[][]> {
    try {
      return await Promise.all(this.#workers.map(({ pending }) => pending));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }
}

function ask(one: RunningWorker, task: number | 'open'): RunningWorker {
  one.pending = askWorker<Metrics[]>(one.worker, task);
  return one;
}

function sharedTensor(name: string, shape: readonly number[]): SharedTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, data: new Float32Array(new SharedArrayBuffer(4 * length)) };
}

function copyParameters(parameters: ParameterSet, shared: readonly SharedTensor[]): void {
  for (const { name, data } of shared) data.set(parameters.get(name)?.data as Float32Array);
}
