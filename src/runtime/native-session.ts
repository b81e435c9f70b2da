/** A session of the native ONNX Runtime: a model's bytes, and runs from memory to memory. */

import koffi from 'koffi';
import type { DType, TensorData } from '../tensor/dtype.ts';
import { type HostTensor, hostTensor } from './host-tensor.ts';
import { OnnxRuntime, type Pointer } from './onnx-runtime.ts';
import type { Provider } from './provider.ts';
import { defaultThreads, threadsInUse } from './threads.ts';

export interface NativeOptions {
  readonly provider: Provider;
  readonly threads: number;
  readonly optimizes: boolean;
  readonly plansMemory: boolean;
  readonly keepsMemory: boolean;
  readonly profilePrefix?: string;
  /** Settings by ONNX Runtime's names. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The interface's numbers of element types. */
const typeNumbers: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** What `AppendExecutionProvider` calls those that have no function of their own. */
const appended: Partial<Record<Provider, string>> = { webgpu: 'WebGPU', coreml: 'CoreML', dml: 'DML' };

/** Results of nodes lie in the arena that all sessions share; weights do not, so that `dispose` gives them back. */
const sharedMemory = {
  'session.use_env_allocators': '1',
  'session.use_device_allocator_for_initializers': '1',
};

/** Frees sessions that nobody disposed of. */
const abandoned = new FinalizationRegistry<Pointer>((session) => {
  OnnxRuntime.open().release('ReleaseSession', session);
});

type Tensors = Readonly<Record<string, HostTensor | undefined>>;

/**
 * To wake a thread takes .06 ms. What took less than this last time is computed in the thread that asks, if the session
 * has all cores, so that nothing could be computed beside it.
 */
const shortMs = 1;

/** In bytes. */
const mostCopied = 16 * 2 ** 20;

/** Memory of an empty tensor, whose address is never read. */
const nothing = new Uint8Array(8);

export class NativeSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #pointer: Pointer;
  readonly #threads: number;
  readonly #keepsMemory: boolean;
  /** Addresses of the names, which the library reads at every run. */
  readonly #names: { readonly inputs: BigUint64Array; readonly outputs: BigUint64Array };
  /** Runs that are under way or wait for their turn, with their memory. */
  readonly #running = new Map<Promise<unknown>, unknown>();
  #lastMs = Number.POSITIVE_INFINITY;

  private constructor(pointer: Pointer, { threads, keepsMemory }: NativeOptions) {
    this.#pointer = pointer;
    this.#threads = threads;
    this.#keepsMemory = keepsMemory;
    abandoned.register(this, pointer, this);
    const inputs = namesOf(pointer, 'Input');
    const outputs = namesOf(pointer, 'Output');
    this.#names = { inputs, outputs };
    [this.inputNames, this.outputNames] = [inputs, outputs].map((pointers) =>
      Array.from(pointers, (name) => koffi.decode.string(name) as string),
    );
  }

  /** Opens a model, in another thread. @throws Error with ONNX Runtime's message */
  static async open(model: Uint8Array, options: NativeOptions): Promise<NativeSession> {
    const runtime = OnnxRuntime.open();
    const session = new BigUint64Array(1);
    const settings = settingsOf(options);
    const leave = await threadsInUse.take();
    try {
      const { environment } = runtime;
      await runtime.callApart('CreateSessionFromArray', environment, model, model.byteLength, settings, session);
      return new NativeSession(session[0], options);
    } finally {
      leave();
      runtime.release('ReleaseSessionOptions', settings);
    }
  }

  /**
   * Computes outputs.
   * @param into receives outputs in place, under their names; others get memory of their own
   * @param signal ends the run after the node under way
   * @throws Error with ONNX Runtime's message, also where the signal ended it
   */
  async run(feeds: Tensors, into: Tensors, signal?: AbortSignal): Promise<Record<string, HostTensor>> {
    const given = this.inputNames.map((name) => feeds[name] as HostTensor);
    const wanted = this.outputNames.map((name) => into[name]);
    const run = this.#run(given, wanted, signal);
    // What the library reads and writes is not collected meanwhile.
    this.#running.set(run, [given, wanted]);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  async #run(given: readonly HostTensor[], wanted: readonly (HostTensor | undefined)[], signal?: AbortSignal) {
    const runtime = OnnxRuntime.open();
    const leave = await threadsInUse.take(this.#threads);
    const inputs = new BigUint64Array(given.length);
    const outputs = new BigUint64Array(wanted.length);
    const options = this.#runOptions(signal);
    const stop = () => runtime.call('RunOptionsSetTerminate', options);
    try {
      if (signal?.aborted) throw signal.reason;
      signal?.addEventListener('abort', stop);
      for (const [i, tensor] of given.entries()) inputs[i] = tensorOf(tensor);
      for (const [i, tensor] of wanted.entries()) if (tensor) outputs[i] = tensorOf(tensor);
      const { inputs: inputNames, outputs: outputNames } = this.#names;
      const reading = [inputNames, inputs, inputs.length] as const;
      const writing = [outputNames, outputNames.length, outputs] as const;
      const start = performance.now();
      const isShort = this.#lastMs < shortMs && this.#threads >= defaultThreads();
      if (isShort) runtime.call('Run', this.#pointer, options, ...reading, ...writing);
      else await runtime.callApart('Run', this.#pointer, options, ...reading, ...writing);
      this.#lastMs = performance.now() - start;
      return Object.fromEntries(this.outputNames.map((name, i) => [name, wanted[i] ?? copyOf(outputs[i])]));
    } finally {
      signal?.removeEventListener('abort', stop);
      if (options) runtime.release('ReleaseRunOptions', options);
      for (const value of [...inputs, ...outputs]) if (value) runtime.release('ReleaseValue', value);
      leave();
    }
  }

  /** To be released; null where there is nothing to say. */
  #runOptions(signal: AbortSignal | undefined): Pointer | null {
    if (!signal && this.#keepsMemory) return null;
    const runtime = OnnxRuntime.open();
    const options = runtime.make('CreateRunOptions');
    if (!this.#keepsMemory) runtime.call('AddRunConfigEntry', options, 'memory.enable_memory_arena_shrinkage', 'cpu:0');
    return options;
  }

  /** Ends profiling; the trace file is then complete. */
  endProfiling(): void {
    const runtime = OnnxRuntime.open();
    const path = runtime.make('SessionEndProfiling', this.#pointer, runtime.allocator);
    runtime.call('AllocatorFree', runtime.allocator, path);
  }

  /** Frees the session after the runs that are under way. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#running.keys());
    abandoned.unregister(this);
    const runtime = OnnxRuntime.open();
    runtime.release('ReleaseSession', this.#pointer);
    for (const name of [...this.#names.inputs, ...this.#names.outputs]) {
      runtime.call('AllocatorFree', runtime.allocator, name);
    }
  }
}

/** Addresses of the names of inputs or outputs, in the session's order. */
function namesOf(session: Pointer, kind: 'Input' | 'Output'): BigUint64Array {
  const runtime = OnnxRuntime.open();
  const count = Number(runtime.make(`SessionGet${kind}Count`, session));
  return BigUint64Array.from({ length: count }, (_, i) =>
    runtime.make(`SessionGet${kind}Name`, session, i, runtime.allocator),
  );
}

/** To be released after the session was made. */
function settingsOf(options: NativeOptions): Pointer {
  const runtime = OnnxRuntime.open();
  const made = runtime.make('CreateSessionOptions');
  try {
    runtime.call('SetSessionLogSeverityLevel', made, 4);
    runtime.call('SetIntraOpNumThreads', made, options.threads);
    runtime.call('SetSessionGraphOptimizationLevel', made, options.optimizes ? 99 : 0);
    if (!options.plansMemory) runtime.call('DisableMemPattern', made);
    if (options.profilePrefix !== undefined) runtime.call('EnableProfiling', made, options.profilePrefix);
    for (const [key, value] of Object.entries({ ...sharedMemory, ...options.settings })) {
      runtime.call('AddSessionConfigEntry', made, key, value);
    }
    appendProvider(made, options.provider);
    return made;
  } catch (error) {
    runtime.release('ReleaseSessionOptions', made);
    throw error;
  }
}

function appendProvider(settings: Pointer, provider: Provider): void {
  const runtime = OnnxRuntime.open();
  if (provider === 'cuda') {
    const cuda = runtime.make('CreateCUDAProviderOptions');
    try {
      runtime.call('SessionOptionsAppendExecutionProvider_CUDA_V2', settings, cuda);
    } finally {
      runtime.release('ReleaseCUDAProviderOptions', cuda);
    }
  } else if (provider !== 'cpu') {
    runtime.call('SessionOptionsAppendExecutionProvider', settings, appended[provider] as string, null, null, 0);
  }
}

/** A tensor of the library's around this memory, to be released. */
function tensorOf({ dtype, shape, data }: HostTensor): Pointer {
  const runtime = OnnxRuntime.open();
  const memory = data.byteLength > 0 ? data : nothing;
  const dims = BigInt64Array.from(shape, BigInt);
  return runtime.make(
    'CreateTensorWithDataAsOrtValue',
    ...[runtime.hostMemory, memory, data.byteLength, dims, dims.length, typeNumbers[dtype]],
  );
}

/** A copy of a tensor that the library made. */
function copyOf(value: Pointer): HostTensor {
  const runtime = OnnxRuntime.open();
  const info = runtime.make('GetTensorTypeAndShape', value);
  try {
    const type = new Int32Array(1);
    runtime.call('GetTensorElementType', info, type);
    const dims = new BigInt64Array(Number(runtime.make('GetDimensionsCount', info)));
    runtime.call('GetDimensions', info, dims, dims.length);
    const found = Object.entries(typeNumbers).find(([, number]) => number === type[0]);
    if (!found) throw new Error(`an output has the element type ${type[0]}, which has no array here`);
    const [dtype] = found as [DType, number];
    const tensor = hostTensor(dtype, Array.from(dims, Number));
    if (tensor.data.byteLength > 0) copyInto(tensor.data, runtime.make('GetTensorMutableData', value));
    return tensor;
  } finally {
    runtime.release('ReleaseTensorTypeAndShapeInfo', info);
  }
}

/** In parts, for the types that koffi makes for arrays have a limit of size. */
function copyInto(target: TensorData, source: Pointer): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let start = 0; start < bytes.length; start += mostCopied) {
    const count = Math.min(mostCopied, bytes.length - start);
    bytes.set(koffi.decode(source + BigInt(start), 'uint8_t', count), start);
  }
}
