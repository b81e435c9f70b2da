/** Sessions: a graph, its weights and ONNX Runtime. The only file that knows ONNX Runtime. */

import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { ChatRexError } from '../errors.ts';
import { emitModel, type WeightStorage } from '../onnx/emit.ts';
import type { DType, TensorData } from '../tensor/dtype.ts';
import { type Graph, graphOf } from '../tensor/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { HostTensor } from './host-tensor.ts';

// Failures come as errors; a library does not also print them.
ort.env.logLevel = 'fatal';

export type Provider = 'cpu' | 'cuda' | 'webgpu' | 'coreml' | 'dml';

export interface SessionOptions {
  /** Where to compute; CPU by default. A provider that this installation lacks is an error, not a fallback. */
  provider?: Provider;
  /** Threads for one operator; all cores by default. */
  threads?: number;
  /**
   * Whether runs after the first lay out their tensors in one block by what the first needed (the default). It saves
   * allocations and costs memory: the block comes on top of what the first run left behind.
   */
  plansMemory?: boolean;
  /**
   * Whether the memory of a run is kept for the next one (the default). Encoders of large pictures need hundreds of megabytes
   * for a second, and then not until the next picture.
   */
  keepsMemory?: boolean;
  /** Writes a Chrome trace of every operator's time to files that begin with this path. */
  profilePrefix?: string;
}

export type Feeds = Readonly<Record<string, HostTensor>>;

export class Session<Outputs extends string = string> {
  readonly graph: Graph;
  readonly #session: ort.InferenceSession;
  #isDisposed = false;

  private constructor(graph: Graph, session: ort.InferenceSession) {
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
    const provider = options.provider ?? 'cpu';
    requireProvider(provider);
    const { bytes, externalFolder } = emitModel(graph, weights);
    try {
      const created = await ort.InferenceSession.create(bytes, {
        executionProviders: [provider],
        intraOpNumThreads: options.threads ?? availableParallelism(),
        graphOptimizationLevel: 'all',
        enableMemPattern: options.plansMemory ?? true,
        enableCpuMemArena: options.keepsMemory ?? true,
        logSeverityLevel: 4,
        ...(options.profilePrefix === undefined
          ? {}
          : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
        ...(externalFolder === undefined
          ? {}
          : { extra: { session: { model_external_initializers_file_folder_path: externalFolder } } }),
      });
      return new Session<K>(graph, created);
    } catch (cause) {
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
   */
  async run(feeds: Feeds, into: Partial<Record<Outputs, HostTensor>> = {}): Promise<Record<Outputs, HostTensor>> {
    if (this.#isDisposed) throw new ChatRexError('runtime', 'the session was disposed; create it again');
    for (const name of this.#session.inputNames) {
      if (!feeds[name]) throw new ChatRexError('invalid-argument', `input '${name}' is not fed`);
    }
    const inputs = Object.fromEntries(this.#session.inputNames.map((name) => [name, toOrt(feeds[name])]));
    const fetches = Object.fromEntries(
      this.#session.outputNames.map((name) => {
        const target = into[name as Outputs];
        return [name, target ? toOrt(target) : null];
      }),
    );
    try {
      const results = await this.#session.run(inputs, fetches);
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, into[name as Outputs] ?? fromOrt(value)]),
      ) as Record<Outputs, HostTensor>;
    } catch (cause) {
      throw new ChatRexError('runtime', `ONNX Runtime failed: ${(cause as Error).message}`, { cause });
    }
  }

  /** Ends profiling; the trace file is then complete. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Frees the session's memory; it cannot run again. */
  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.release();
  }
}

function requireProvider(provider: Provider): void {
  if (provider === 'cpu') return;
  const present = ort.listSupportedBackends().map(({ name }) => name);
  if (present.includes(provider)) return;
  throw new ChatRexError(
    'unsupported',
    `provider '${provider}' is not in this installation; it has ${present.join(', ')}`,
  );
}

const toOrt = ({ dtype, data, shape }: HostTensor): ort.Tensor => new ort.Tensor(dtype, data as never, shape);

function fromOrt(value: ort.Tensor): HostTensor {
  return { dtype: value.type as DType, shape: value.dims, data: value.data as TensorData };
}
