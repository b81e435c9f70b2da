/**
 * Runs .onnx files, by either of two ONNX Runtimes: the native one for Node, which everything else here uses, and the
 * WebAssembly one that browsers have too. See the decision 2026-11-30-what-a-browser-needs.
 */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type * as common from 'onnxruntime-node';
import { ChatRexError } from '../errors.ts';
import type { DType, TensorData } from '../tensor/dtype.ts';
import type { HostTensor } from './host-tensor.ts';
import type { Feeds } from './session.ts';

/** `wasm` needs the package onnxruntime-web. */
export type OnnxEngine = 'node' | 'wasm';

/** What both packages have in common. */
type Runtime = Pick<typeof common, 'InferenceSession' | 'Tensor' | 'env'>;

/** WebAssembly has 32-bit addresses: a file read into memory, its copy there and all that is computed share 4 GiB. */
const maxWasmBytes = 2 ** 31;

export class OnnxFile {
  readonly #runtime: Runtime;
  readonly #session: common.InferenceSession;

  private constructor(runtime: Runtime, session: common.InferenceSession) {
    this.#runtime = runtime;
    this.#session = session;
  }

  /**
   * Opens a file as `chatrex export --onnx` writes it.
   * @param options.data name of the file beside it that holds its weights; the native runtime finds it by itself
   * @param options.threads one for `wasm`, whose others would be workers
   * @throws ChatRexError 'not-found' for a missing file; 'unsupported' without onnxruntime-web; 'limit-exceeded' for
   *   weights that WebAssembly cannot hold; 'runtime' when ONNX Runtime refuses the model
   * @example const file = await OnnxFile.open('onnx/image-encoder.onnx');
   */
  static async open(
    path: string,
    { engine = 'node', data, threads = 1 }: { engine?: OnnxEngine; data?: string; threads?: number } = {},
  ): Promise<OnnxFile> {
    const runtime = await runtimeOf(engine);
    runtime.env.logLevel = 'fatal';
    if (engine === 'wasm') runtime.env.wasm.numThreads = 1;
    const weights = engine === 'wasm' && data !== undefined ? await readData(join(dirname(path), data)) : undefined;
    const model = engine === 'wasm' ? await readData(path) : path;
    try {
      const session = await runtime.InferenceSession.create(model as string, {
        executionProviders: [engine === 'wasm' ? 'wasm' : 'cpu'],
        intraOpNumThreads: threads,
        ...(weights && data && { externalData: [{ path: basename(data), data: weights }] }),
      });
      return new OnnxFile(runtime, session);
    } catch (cause) {
      const [message] = String((cause as Error)?.message ?? cause)
        .trim()
        .split('\n');
      throw new ChatRexError('runtime', `ONNX Runtime refused ${path}: ${message}`, { cause });
    }
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  /** Computes all outputs. @throws ChatRexError 'invalid-argument' for an input that is not fed, 'runtime' */
  async run(feeds: Feeds): Promise<Record<string, HostTensor>> {
    const missing = this.#session.inputNames.find((name) => !feeds[name]);
    if (missing !== undefined) throw new ChatRexError('invalid-argument', `input '${missing}' is not fed`);
    const { Tensor } = this.#runtime;
    const inputs = this.#session.inputNames.map((name) => {
      const { dtype, data, shape } = feeds[name];
      return [name, new Tensor(dtype, data as never, shape)] as const;
    });
    try {
      const results = await this.#session.run(Object.fromEntries(inputs));
      const outputs = Object.entries(results).map(([name, { type, dims, data }]) => {
        return [name, { dtype: type as DType, shape: dims, data: data as TensorData }] as const;
      });
      return Object.fromEntries(outputs);
    } catch (cause) {
      throw new ChatRexError('runtime', `ONNX Runtime failed: ${(cause as Error).message}`, { cause });
    }
  }

  /** Frees the memory; it cannot run again. */
  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

async function runtimeOf(engine: OnnxEngine): Promise<Runtime> {
  if (engine === 'node') return import('onnxruntime-node');
  return import('onnxruntime-web').catch((cause) => {
    throw new ChatRexError('unsupported', "engine 'wasm' needs a package: npm install onnxruntime-web", { cause });
  });
}

async function readData(path: string): Promise<Uint8Array> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('not-found', `${path} cannot be read (${cause.code}): check the path`, { cause });
  });
  if (info.size <= maxWasmBytes) return readFile(path);
  const message = `${path} has ${info.size} bytes; WebAssembly takes ${maxWasmBytes} at most: use engine 'node'`;
  throw new ChatRexError('limit-exceeded', message);
}
