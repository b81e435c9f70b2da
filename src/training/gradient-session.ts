/** Computes losses and their gradients: the model's graph and its gradient graph, in one session or in two. */

import { cutGraph } from '../autodiff/cut.ts';
import { gradients } from '../autodiff/gradients.ts';
import { ChatRexError } from '../errors.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { type Feeds, Session, type SessionOptions } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ParameterSet } from './parameters.ts';

export interface GradientSessionOptions<Predictions extends string = never> extends SessionOptions {
  /** Which parameters learn; the others are frozen into the session as they are now. All learn when left out. */
  isTrainable?: (name: string) => boolean;
  /**
   * Tensors that the caller must see before the loss can be computed, to match objects or to choose targets.
   * The step is then `predict` followed by `accumulate`; nothing is computed twice.
   */
  predictions?: Readonly<Record<Predictions, Tensor>>;
}

/** The model as far as its predictions, with what it was last fed and has last computed. */
interface FirstHalf {
  readonly session: Session;
  /** Names of its outputs that the caller asked for. */
  readonly predictions: readonly string[];
  /** Names of its outputs that the second half reads. */
  readonly passed: readonly string[];
  feeds: Feeds;
  buffers: Record<string, HostTensor>;
}

const gradientPrefix = 'gradient of ';

/**
 * Losses of batches and their gradients, summed until `finish`.
 * @example const session = await GradientSession.create(loss, {}, parameters);
 *   await session.accumulate(feeds);
 *   adamwStep(parameters, session.finish(), optimizer, 1e-3);
 */
export class GradientSession<Metrics extends string, Predictions extends string = never> {
  /** Sums of gradients since the last `finish`, by parameter name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  readonly #first: FirstHalf | undefined;
  readonly #session: Session;
  readonly #trained: ParameterSet;
  readonly #fed: Record<string, HostTensor>;
  /** Where gradients are written: the first of a step into the sums themselves, further ones beside them. */
  readonly #sums: Record<string, HostTensor>;
  #further: Record<string, HostTensor> | undefined;
  readonly #metrics: readonly string[];
  #accumulated = 0;

  private constructor(
    first: Pick<FirstHalf, 'session' | 'predictions' | 'passed'> | undefined,
    session: Session,
    fed: ParameterSet,
    metrics: readonly string[],
  ) {
    this.#first = first && { ...first, feeds: {}, buffers: {} };
    this.#session = session;
    this.#metrics = metrics;
    this.#trained = fed;
    this.#fed = Object.fromEntries(fed);
    this.#sums = zerosLike(fed);
    this.gradients = new Map([...fed.keys()].map((name) => [name, arrayOf(this.#sums, name)]));
  }

  /**
   * @param loss scalar to descend; `metrics` are further scalars to report.
   * @param parameters values of every parameter of the graph; trainable ones are read at every step.
   * @throws ChatRexError when a parameter of the graph has no value.
   */
  static async create<M extends string, P extends string = never>(
    loss: Tensor,
    metrics: Readonly<Record<M, Tensor>>,
    parameters: ParameterSet,
    { isTrainable = () => true, predictions, plansMemory = false, ...others }: GradientSessionOptions<P> = {},
  ): Promise<GradientSession<M, P>> {
    // The planned block would be held beside weights, moments and gradients: 0.8 GB of a step of 135 M weights, and no
    // faster.
    const options = { plansMemory, ...others };
    const tensors = parameterTensors({ loss, ...metrics, ...predictions });
    const fed = new Map<string, HostTensor<'float32'>>();
    const storage = new Map<string, StoredWeight | 'fed'>();
    for (const name of tensors.keys()) {
      const value = parameters.get(name);
      if (!value) throw new ChatRexError('weights-mismatch', `parameter ${name} has no value to start from`);
      storage.set(name, isTrainable(name) ? 'fed' : { dtype: value.dtype, data: value.data });
      if (isTrainable(name)) fed.set(name, value);
    }
    const names = [...fed.keys()];
    const slopes = gradients(
      loss,
      names.map((name) => tensors.get(name) as Tensor),
    );
    const outputs = {
      loss,
      ...metrics,
      ...Object.fromEntries(names.map((name, i) => [gradientPrefix + name, slopes[i]])),
    };
    const reported = ['loss', ...Object.keys(metrics)];
    if (!predictions)
      return new GradientSession(undefined, await Session.create(outputs, storage, options), fed, reported);
    const { first, second, passed } = cutGraph(predictions, outputs);
    const session = await Session.create(first, storage, options);
    const half = { session, predictions: Object.keys(predictions), passed };
    return new GradientSession(half, await Session.create(second, storage, options), fed, reported);
  }

  /**
   * The first half of a step: runs the model as far as the predictions and keeps what the gradients will need.
   * What it returns is overwritten by the next step.
   */
  async predict(feeds: Feeds): Promise<Record<Predictions, HostTensor>> {
    if (!this.#first) throw new ChatRexError('invalid-argument', 'this session was made without predictions');
    const first = this.#first;
    // The same memory receives the values of every step, as long as they have the same shapes.
    if (shapesOf(feeds) !== shapesOf(first.feeds)) first.buffers = {};
    first.feeds = feeds;
    first.buffers = await first.session.run({ ...this.#fed, ...feeds }, first.buffers);
    // Without what only the second half reads, which can be a hundred times as much.
    const named = first.predictions.map((name) => [name, first.buffers[name]]);
    return Object.fromEntries(named) as Record<Predictions, HostTensor>;
  }

  /**
   * Runs one batch, adds its gradients to the sums, returns its loss and metrics. After `predict` this is the second
   * half of the batch and needs only what was not fed there.
   */
  async accumulate(feeds: Feeds): Promise<Record<Metrics | 'loss', number>> {
    const { feeds: earlier = {}, passed = [], buffers = {} } = this.#first ?? {};
    const kept = Object.fromEntries(passed.map((name) => [name, buffers[name]]));
    if (this.#accumulated > 0) this.#further ??= zerosLike(this.#trained);
    const target = this.#accumulated > 0 ? this.#further : this.#sums;
    const results = await this.#session.run({ ...this.#fed, ...earlier, ...feeds, ...kept }, target);
    if (this.#further && this.#accumulated > 0) {
      for (const [name, sum] of this.gradients) addInto(sum, arrayOf(this.#further, name));
    }
    this.#accumulated++;
    const values = this.#metrics.map((name) => [name, Number(results[name].data[0])]);
    return Object.fromEntries(values) as Record<Metrics | 'loss', number>;
  }

  /** Turns sums into means over the batches they hold; the next batch starts new sums. */
  finish(): ReadonlyMap<string, Float32Array> {
    if (this.#accumulated > 1) {
      for (const sum of this.gradients.values()) for (let i = 0; i < sum.length; i++) sum[i] /= this.#accumulated;
    }
    this.#accumulated = 0;
    return this.gradients;
  }

  /** Completes the traces that `profilePrefix` asked for. */
  endProfiling(): void {
    this.#first?.session.endProfiling();
    this.#session.endProfiling();
  }

  async dispose(): Promise<void> {
    await this.#first?.session.dispose();
    await this.#session.dispose();
  }
}

const shapesOf = (feeds: Feeds): string =>
  Object.entries(feeds)
    .map(([name, { shape }]) => `${name} [${shape}]`)
    .join();

const zerosLike = (parameters: ParameterSet): Record<string, HostTensor> =>
  Object.fromEntries([...parameters].map(([name, { shape }]) => [gradientPrefix + name, hostTensor('float32', shape)]));

const arrayOf = (tensors: Record<string, HostTensor>, name: string): Float32Array =>
  tensors[gradientPrefix + name].data as Float32Array;

function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

function parameterTensors(outputs: Readonly<Record<string, Tensor>>): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const { op, outputs: produced, attributes } of graphOf(outputs).nodes) {
    if (op.name === 'Parameter') tensors.set((attributes as { name: string }).name, produced[0]);
  }
  return tensors;
}
