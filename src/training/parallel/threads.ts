/**
 * A step's batch in parts, computed side by side: one worker thread and one session for each part, as far as there are
 * cores. Most operators of a training step are too small for several threads; whole parts are not.
 */

import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { ChatRexError, type ErrorCode } from '../../errors.ts';
import { startWorker } from '../../workers/start-worker.ts';
import type { GradientSet } from '../adamw.ts';
import type { Metrics } from '../loop.ts';
import type { ParameterSet } from '../parameters.ts';
import { type GradientSource, runStage, type StageContext, type StageOptions } from '../run.ts';
import { openStage, type StageConfigs, type StageDescription, type StageName } from '../stages.ts';

/** What a worker starts with; the memory is shared, so that parameters and gradients are not sent. */
export interface PartWorkerData {
  readonly description: StageDescription;
  readonly parameters: readonly SharedTensor[];
  /** For trainable parameters only. The mean over the worker's parts is written here. */
  readonly gradients: readonly SharedTensor[];
  /** Which parts of every step it computes. */
  readonly parts: readonly number[];
  readonly threads: number;
}

export interface SharedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a worker answers: once when it is ready, then once a step. */
export type PartWorkerAnswer = { metrics: Metrics } | { failure: { code: ErrorCode | undefined; message: string } };

interface RunningWorker {
  readonly worker: Worker;
  readonly gradients: readonly SharedTensor[];
  readonly parts: readonly number[];
}

/** Trains a stage by its name, its steps in parts; see `runStage`. */
export async function trainStage<Name extends StageName>(
  name: Name,
  settings: StageConfigs[Name],
  { cacheFolder, proposer, ...options }: StageOptions & Pick<StageContext, 'cacheFolder' | 'proposer'>,
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const description = {
    name,
    settings,
    context: { folder: options.folder, cacheFolder, proposer, initial: options.initial },
  } as StageDescription;
  const stage = await openStage(description, options.onStatus);
  try {
    return await runStage(stage, options, (parameters, trainable) =>
      PartWorkers.start(description, parameters, trainable, settings.parts),
    );
  } finally {
    await stage.close?.();
  }
}

class PartWorkers implements GradientSource {
  readonly #workers: readonly RunningWorker[];
  readonly #parameters: ParameterSet;
  readonly #shared: readonly SharedTensor[];
  readonly #means: Map<string, Float32Array>;
  readonly #count: number;

  private constructor(workers: readonly RunningWorker[], parameters: ParameterSet, shared: readonly SharedTensor[]) {
    this.#workers = workers;
    this.#parameters = parameters;
    this.#shared = shared;
    this.#count = workers.reduce((sum, { parts }) => sum + parts.length, 0);
    this.#means = new Map(workers[0].gradients.map(({ name, data }) => [name, new Float32Array(data.length)]));
  }

  /**
   * Starts workers for `parts` parts and waits until their sessions stand.
   * @param trainable names of the parameters whose gradients are wanted
   */
  static async start(
    description: StageDescription,
    parameters: ParameterSet,
    trainable: readonly string[],
    parts: number,
  ): Promise<PartWorkers> {
    const cores = availableParallelism();
    const workerCount = Math.min(parts, cores);
    const shared = [...parameters].map(([name, { shape }]) => sharedTensor(name, shape));
    copyParameters(parameters, shared);
    const started = Array.from({ length: workerCount }, (_, index): RunningWorker => {
      const gradients = trainable.map((name) => sharedTensor(name, parameters.get(name)?.shape ?? []));
      const own = Array.from({ length: parts }, (_, part) => part).filter((part) => part % workerCount === index);
      const data: PartWorkerData = {
        description,
        parameters: shared,
        gradients,
        parts: own,
        threads: Math.max(1, Math.floor(cores / workerCount)),
      };
      return { worker: startWorker('./part-worker.ts', import.meta.url, data), gradients, parts: own };
    });
    const workers = new PartWorkers(started, parameters, shared);
    await workers.#answers();
    return workers;
  }

  /** Means over all parts of gradients and metrics, at the parameters as they are now. The gradients last until the next step. */
  async computeGradients(step: number): Promise<{ gradients: GradientSet; metrics: Metrics }> {
    copyParameters(this.#parameters, this.#shared);
    for (const { worker } of this.#workers) worker.postMessage(step);
    const answers = await this.#answers();
    this.#workers.forEach(({ gradients, parts }, index) => {
      const weight = parts.length / this.#count;
      for (const { name, data } of gradients) {
        const mean = this.#means.get(name) as Float32Array;
        if (index === 0) for (let i = 0; i < mean.length; i++) mean[i] = weight * data[i];
        else for (let i = 0; i < mean.length; i++) mean[i] += weight * data[i];
      }
    });
    const metrics: Record<string, number> = {};
    answers.forEach((ofWorker, index) => {
      const weight = this.#workers[index].parts.length / this.#count;
      for (const [name, value] of Object.entries(ofWorker)) metrics[name] = (metrics[name] ?? 0) + weight * value;
    });
    return { gradients: this.#means, metrics };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  /** The next answer of every worker. */
  async #answers(): Promise<Metrics[]> {
    try {
      return await Promise.all(this.#workers.map(({ worker }) => nextAnswer(worker)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }
}

function nextAnswer(worker: Worker): Promise<Metrics> {
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: PartWorkerAnswer) => {
      worker.off('error', onError);
      if ('metrics' in answer) resolve(answer.metrics);
      else {
        const { code, message } = answer.failure;
        reject(code ? new ChatRexError(code, message) : new Error(message));
      }
    };
    const onError = (error: Error) => {
      worker.off('message', onAnswer);
      reject(error);
    };
    worker.once('message', onAnswer).once('error', onError);
  });
}

function sharedTensor(name: string, shape: readonly number[]): SharedTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, data: new Float32Array(new SharedArrayBuffer(4 * length)) };
}

function copyParameters(parameters: ParameterSet, shared: readonly SharedTensor[]): void {
  for (const { name, data } of shared) data.set(parameters.get(name)?.data as Float32Array);
}
