/** Sessions: a graph, its weights and ONNX Runtime. */

import { ChatRexError } from '../errors.ts';
import { emitModel, type WeightStorage } from '../onnx/emit.ts';
import { evaluateDim, isStatic } from '../tensor/dimension.ts';
import { type Graph, graphOf } from '../tensor/graph.ts';
import { constant } from '../tensor/ops/constant.ts';
import { depthwiseConvOp } from '../tensor/ops/depthwise-conv.ts';
import { depthwiseWeightGradientOp } from '../tensor/ops/depthwise-weight-gradient.ts';
import { dynamicQuantizedMatmul, dynamicQuantizedMatmulOp } from '../tensor/ops/dynamic-quantized-matmul.ts';
import { input } from '../tensor/ops/input.ts';
import { negate } from '../tensor/ops/negate.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { findChannelBlock } from './channel-block.ts';
import { prepareEnvironment } from './environment.ts';
import { type HostTensor, hostTensor } from './host-tensor.ts';
import { NativeSession } from './native-session.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import { chooseProvider, openWithProvider, type Provider, providers } from './provider.ts';
import { defaultThreads } from './threads.ts';

export type { Provider };

export interface SessionOptions {
  /**
   * Where to compute. A provider that this installation lacks is then an error; by default the environment's
   * `CHATREX_PROVIDER` decides, which may fall back to the processor, and else it is the processor.
   */
  provider?: Provider;
  /** Threads for one operator; CHATREX_THREADS by default, or all cores. */
  threads?: number;
  /**
   * Plan memory from the first run (the default): fewer allocations, but the planned block is held in addition to the
   * arena.
   */
  plansMemory?: boolean;
  /** Whether the memory of a run is kept for the next one, of any session (the default). */
  keepsMemory?: boolean;
  /**
   * Whether ONNX Runtime looks for nodes to join or to compute at once (the default). Large graphs whose nodes are
   * joined already open three times as fast without.
   */
  optimizes?: boolean;
  /** Writes a Chrome trace of every operator's time to files that begin with this path. */
  profilePrefix?: string;
}

/** What was found out about the processor. */
interface OpenOptions extends SessionOptions {
  /** Whether ONNX Runtime rewrites signed 8-bit weights as unsigned ones with a zero point. */
  avoidsSaturation?: boolean;
  /** See `OnnxWriter`. */
  channelBlock?: number;
  /** See `#freeUnused`. */
  isSmall?: boolean;
}

export type Feeds = Readonly<Record<string, HostTensor>>;

/**
 * A graph that ONNX Runtime computes.
 * @example const session = await Session.create({ y }, weights);
 *   const { y } = await session.run({ x: hostTensor('float32', [1, 64]) });
 */
export class Session<Outputs extends string = string> {
  readonly graph: Graph;
  readonly #session: NativeSession;
  #isDisposed = false;

  private constructor(graph: Graph, session: NativeSession) {
    this.graph = graph;
    this.#session = session;
  }

  /**
   * @param weights where parameters are stored; `'feeds'` when they are fed at every run, as in training.
   * @throws ChatRexError when the provider is absent or ONNX Runtime refuses the model.
   */
  static async create<K extends string>(
    outputs: Readonly<Record<K, Tensor>>,
    weights: WeightStorage,
    options: SessionOptions = {},
  ): Promise<Session<K>> {
    const graph = graphOf(outputs);
    const has = ({ name }: { readonly name: string }) => graph.nodes.some(({ op }) => op.name === name);
    const isFed = weights === 'feeds' || [...weights.values()].includes('fed');
    const hasDepthwise = has(depthwiseConvOp) || has(depthwiseWeightGradientOp);
    return openWithProvider(chooseProvider(options.provider), async (provider) => {
      requireProvider(provider);
      const isInBlocks = provider === 'cpu' && isFed && hasDepthwise;
      return Session.#open(graph, weights, {
        ...options,
        provider,
        avoidsSaturation: has(dynamicQuantizedMatmulOp) && (await signedProductsSaturate()),
        channelBlock: isInBlocks ? await channelBlock() : undefined,
      });
    });
  }

  static #small: Promise<Session<'y'>> | undefined;
  static #freedFirst: Promise<void> | undefined;

  /**
   * Gives back what the arena of all sessions holds and none uses: ONNX Runtime does so after a run that asks for it.
   * The first time comes before all other sessions, since the arena keeps for ever what it takes first.
   */
  static async #freeUnused(): Promise<void> {
    const x = input('x', 'float32', [1]);
    const graph = graphOf({ y: negate(negate(x)) });
    Session.#small ??= Session.#open(graph, new Map(), {
      threads: 1,
      optimizes: false,
      keepsMemory: false,
      isSmall: true,
    });
    await (await Session.#small).run({ x: hostTensor('float32', [1]) });
  }

  /** As `create`, with signed 8-bit weights multiplied as they are, whatever the processor makes of them. */
  static createUnchecked<K extends string>(outputs: Readonly<Record<K, Tensor>>): Promise<Session<K>> {
    return Session.#open(graphOf(outputs), new Map(), { threads: 1 });
  }

  static async #open<K extends string>(
    graph: Graph,
    weights: WeightStorage,
    { provider = 'cpu', avoidsSaturation = false, channelBlock, isSmall = false, ...options }: OpenOptions,
  ): Promise<Session<K>> {
    const { bytes, externalFolder } = emitModel(graph, weights, {
      channelBlock,
      namesBytesApart: avoidsSaturation,
    });
    await prepareEnvironment(import.meta.resolve('onnxruntime-node'));
    if (!isSmall) {
      Session.#freedFirst ??= Session.#freeUnused();
      await Session.#freedFirst;
    }
    try {
      const created = await NativeSession.open(bytes, {
        provider,
        threads: options.threads ?? defaultThreads(),
        // The rewriting of signed weights is such a search too.
        optimizes: (options.optimizes ?? true) || avoidsSaturation,
        plansMemory: options.plansMemory ?? true,
        keepsMemory: options.keepsMemory ?? true,
        profilePrefix: options.profilePrefix,
        settings: {
          ...(avoidsSaturation ? { 'session.x64quantprecision': '1' } : {}),
          ...(externalFolder === undefined
            ? {}
            : { 'session.model_external_initializers_file_folder_path': externalFolder }),
        },
      });
      return new Session<K>(graph, created);
    } catch (cause) {
      if (cause instanceof ChatRexError) throw cause;
      const [message] = (cause as Error).message.trim().split('\n');
      if (provider === 'cpu')
        throw new ChatRexError('runtime', `ONNX Runtime refused the model: ${message}`, { cause });
      const advice = "install what it needs (onnxruntime-node's documentation says how) or use 'cpu'";
      throw new ChatRexError('unsupported', `provider '${provider}' did not start: ${message}; ${advice}`, { cause });
    }
  }

  /**
   * Computes all outputs.
   * @param into tensors that receive outputs in place; one may be fed at the same time, as a KV cache is.
   * @param signal ends the run after the node under way
   * @throws ChatRexError 'aborted' by the signal; 'runtime' when ONNX Runtime refuses what is fed
   */
  async run(
    feeds: Feeds,
    into: Partial<Record<Outputs, HostTensor>> = {},
    signal?: AbortSignal,
  ): Promise<Record<Outputs, HostTensor>> {
    if (this.#isDisposed)
      throw new ChatRexError('runtime', 'the session was disposed, perhaps with its model; load it again');
    for (const name of this.#session.inputNames) {
      if (!feeds[name]) throw new ChatRexError('invalid-argument', `input '${name}' is not fed`);
    }
    try {
      const results = await this.#session.run(feeds, this.#roomFor(feeds, into), signal);
      return results as Record<Outputs, HostTensor>;
    } catch (cause) {
      if (signal?.aborted) throw new ChatRexError('aborted', 'computing was cancelled', { cause: signal.reason });
      throw new ChatRexError('runtime', `ONNX Runtime failed: ${(cause as Error).message}`, { cause });
    }
  }

  /**
   * Memory for the outputs, new where none is given and their sizes follow from what is fed: ONNX Runtime writes there,
   * and nothing is copied.
   */
  #roomFor(feeds: Feeds, into: Partial<Record<string, HostTensor>>): Record<string, HostTensor> {
    const sizes = new Map<string, number>();
    for (const [name, { shape }] of this.graph.inputs) {
      shape.forEach((dim, axis) => {
        if (typeof dim === 'string') sizes.set(dim, feeds[name].shape[axis]);
      });
    }
    const room: Record<string, HostTensor> = {};
    for (const [name, { dtype, shape }] of Object.entries(this.graph.outputs)) {
      const given = into[name];
      if (given) {
        room[name] = given;
        continue;
      }
      // Most are numbers or single symbols, and this comes before every token that is written.
      const dims = shape.map((dim) => (isStatic(dim) ? dim : (sizes.get(dim) ?? evaluateDim(dim, sizes))));
      if (dims.every((dim) => dim !== undefined)) room[name] = hostTensor(dtype, dims);
    }
    return room;
  }

  /** Ends profiling; the trace file is then complete. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Frees the session's memory after the runs under way; it cannot run again. */
  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.dispose();
    await Session.#freeUnused();
  }
}

/**
 * Whether this processor gets products of unsigned by signed bytes wrong. On x86 without VNNI, ONNX Runtime's kernel
 * adds pairs of products in 16 bits, and 255 * 127 twice is more than they hold. Multiplying once and looking is safer
 * than a list of processors, and takes a few milliseconds, once per process. See the decision
 * 2026-11-30-int8-on-every-processor.
 */
export function signedProductsSaturate(): Promise<boolean> {
  saturation ??= (async () => {
    const [inner, outputs] = [64, 32];
    const weight = constant('int8', [inner, outputs], new Int8Array(inner * outputs).fill(127));
    const scales = constant('float32', [outputs], new Float32Array(outputs).fill(1));
    const product = dynamicQuantizedMatmul(input('x', 'float32', [2, inner]), weight, scales);
    const session = await Session.createUnchecked({ product });
    const { product: found } = await session.run({
      x: hostTensor('float32', [2, inner], new Float32Array(128).fill(1)),
    });
    await session.dispose();
    return found.data.some((value) => Math.abs(Number(value) - 127 * inner) > 1);
  })();
  return saturation;
}

let saturation: Promise<boolean> | undefined;

/** See `findChannelBlock`; asked once per process. */
function channelBlock(): Promise<number | undefined> {
  block ??= findChannelBlock(async (outputs, feeds) => {
    const session = await Session.createUnchecked(outputs);
    try {
      return (await session.run(feeds)).y;
    } finally {
      await session.dispose();
    }
  });
  return block;
}

let block: Promise<number | undefined> | undefined;

function requireProvider(provider: Provider): void {
  if (provider === 'cpu') return;
  const built = OnnxRuntime.open().availableProviders();
  const present = providers.filter((name) => built.some((one) => one.toLowerCase() === `${name}executionprovider`));
  if (present.includes(provider)) return;
  throw new ChatRexError(
    'unsupported',
    `provider '${provider}' is not in this installation; it has ${present.join(', ')}`,
  );
}
