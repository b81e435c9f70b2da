/**
 * ONNX Runtime's interface for C, called through koffi: the library is the one in the package onnxruntime-node.
 *
 * That package's own binding computes on JavaScript's thread, ties a session to it, and copies every output, also into
 * memory that the caller gave. See the decision 2026-11-30-the-c-interface.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { ChatRexError } from '../errors.ts';

/** The address of something of the library's, 0 for none. */
export type Pointer = bigint;

/** Numbers, texts and addresses; memory of a typed array is passed as its address. */
type Argument = number | bigint | string | ArrayBufferView | null;

/**
 * The version of the interface that is asked for: every later library has it. A function's place in its table never
 * changes.
 */
const apiVersion = 20;

/** File names of paths are wide characters on Windows. */
const pathType = process.platform === 'win32' ? 'str16' : 'str';

/** Places in the table `OrtApi`, and parameters. All of these return a status. */
const functions = {
  CreateEnv: [3, 'int, str, void *'],
  CreateSessionFromArray: [8, 'void *, void *, size_t, void *, void *'],
  Run: [9, 'void *, void *, void *, void *, size_t, void *, size_t, void *'],
  CreateSessionOptions: [10, 'void *'],
  EnableProfiling: [14, `void *, ${pathType}`],
  DisableMemPattern: [17, 'void *'],
  SetSessionLogSeverityLevel: [22, 'void *, int'],
  SetSessionGraphOptimizationLevel: [23, 'void *, int'],
  SetIntraOpNumThreads: [24, 'void *, int'],
  SessionGetInputCount: [30, 'void *, void *'],
  SessionGetOutputCount: [31, 'void *, void *'],
  SessionGetInputName: [36, 'void *, size_t, void *, void *'],
  SessionGetOutputName: [37, 'void *, size_t, void *, void *'],
  CreateRunOptions: [39, 'void *'],
  RunOptionsSetTerminate: [46, 'void *'],
  CreateTensorWithDataAsOrtValue: [49, 'void *, void *, size_t, void *, size_t, int, void *'],
  GetTensorMutableData: [51, 'void *, void *'],
  GetTensorElementType: [60, 'void *, void *'],
  GetDimensionsCount: [61, 'void *, void *'],
  GetDimensions: [62, 'void *, void *, size_t'],
  GetTensorTypeAndShape: [65, 'void *, void *'],
  CreateCpuMemoryInfo: [69, 'int, int, void *'],
  AllocatorFree: [76, 'void *, void *'],
  GetAllocatorWithDefaultOptions: [78, 'void *'],
  SessionEndProfiling: [110, 'void *, void *, void *'],
  GetAvailableProviders: [125, 'void *, void *'],
  ReleaseAvailableProviders: [126, 'void *, int'],
  CreateAndRegisterAllocator: [144, 'void *, void *, void *'],
  CreateArenaCfg: [156, 'size_t, int, int, int, void *'],
  AddSessionConfigEntry: [130, 'void *, str, str'],
  AddRunConfigEntry: [165, 'void *, str, str'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void *, void *'],
  CreateCUDAProviderOptions: [205, 'void *'],
  SessionOptionsAppendExecutionProvider: [216, 'void *, str, void *, void *, size_t'],
} as const;

/** These return nothing. */
const releases = {
  ReleaseStatus: 93,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseTensorTypeAndShapeInfo: 99,
  ReleaseSessionOptions: 100,
  ReleaseCUDAProviderOptions: 208,
} as const;

/** koffi calls C functions on its own stacks, 128 kB by default. Pages that nothing touches take no memory. */
const stackBytes = 16 * 2 ** 20;

const libraryNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

type KoffiFunction = ReturnType<ReturnType<typeof koffi.load>['func']>;

/** The open library. */
export class OnnxRuntime {
  readonly #functions: ReadonlyMap<string, KoffiFunction>;
  readonly #messageOf: KoffiFunction;
  readonly environment: Pointer;
  /** Says of memory that it is the host's. */
  readonly hostMemory: Pointer;
  /** Allocates and frees texts that the library hands out. */
  readonly allocator: Pointer;

  private constructor(table: readonly Pointer[]) {
    const bind = (place: number, prototype: string) => koffi.decode(table[place], koffi.proto(prototype));
    this.#functions = new Map([
      ...Object.entries(functions).map(([name, [place, parameters]]) => {
        return [name, bind(place, `void *${name}(${parameters})`)] as const;
      }),
      ...Object.entries(releases).map(([name, place]) => [name, bind(place, `void ${name}(void *)`)] as const),
    ]);
    this.#messageOf = bind(2, 'const char *GetErrorMessage(void *)');
    // 4: fatal errors only. Failures come as statuses; a library does not also print them.
    this.environment = this.make('CreateEnv', 4, 'chatrex');
    this.hostMemory = this.make('CreateCpuMemoryInfo', 0, 0);
    this.allocator = this.make('GetAllocatorWithDefaultOptions');
    this.#shareArena();
  }

  /**
   * Opens the library, once in every thread.
   * @throws ChatRexError 'unsupported' where onnxruntime-node or koffi has nothing for this platform
   */
  static open(): OnnxRuntime {
    opened ??= openLibrary((table) => new OnnxRuntime(table));
    return opened;
  }

  /** @throws Error with the library's message */
  call(name: keyof typeof functions, ...args: Argument[]): void {
    this.#check(this.#functionNamed(name)(...args));
  }

  /** As `call`, in a thread of koffi's. Memory that is passed must stay reachable until then. */
  async callApart(name: keyof typeof functions, ...args: Argument[]): Promise<void> {
    const { async: start } = this.#functionNamed(name);
    const status = await new Promise<Pointer | null>((resolve, reject) => {
      start(...args, (error: unknown, result: Pointer | null) => (error ? reject(error) : resolve(result)));
    });
    this.#check(status);
  }

  /** What a function writes to its last parameter: the address of what it made, or a count. */
  make(name: keyof typeof functions, ...args: Argument[]): Pointer {
    const made = new BigUint64Array(1);
    this.call(name, ...args, made);
    return made[0];
  }

  release(name: keyof typeof releases, pointer: Pointer): void {
    this.#functionNamed(name)(pointer);
  }

  /** Names of everything the library was built to compute with. */
  availableProviders(): string[] {
    const count = new Int32Array(1);
    const list = new BigUint64Array(1);
    this.call('GetAvailableProviders', list, count);
    const names: string[] = koffi.decode(list[0], 'const char *', count[0]);
    this.call('ReleaseAvailableProviders', list[0], count[0]);
    return names;
  }

  /**
   * One arena for all sessions of this thread: where one has computed, the next one does. -1: as ONNX Runtime would
   * choose.
   */
  #shareArena(): void {
    const memory = this.make('CreateCpuMemoryInfo', 1, 0);
    const settings = this.make('CreateArenaCfg', 0, -1, -1, -1);
    this.call('CreateAndRegisterAllocator', this.environment, memory, settings);
  }

  #functionNamed(name: string): KoffiFunction {
    return this.#functions.get(name) as KoffiFunction;
  }

  #check(status: Pointer | null): void {
    if (!status) return;
    const message: string = this.#messageOf(status);
    this.release('ReleaseStatus', status);
    throw new Error(message);
  }
}

let opened: OnnxRuntime | undefined;

/** koffi closes a library that nothing refers to, whatever addresses were taken from it. */
let library: ReturnType<typeof koffi.load> | undefined;

function openLibrary<T>(use: (table: readonly Pointer[]) => T): T {
  const name = libraryNames[process.platform];
  if (!name) throw new ChatRexError('unsupported', `onnxruntime-node has no library for ${process.platform}`);
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  // Its own binding finds the libraries beside it, which Windows does not do by itself.
  if (process.platform === 'win32') require('onnxruntime-node');
  requireWideStacks();
  const path = join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
  try {
    library = koffi.load(path);
    const getBase = library.func('void *OrtGetApiBase()');
    const [getApi]: Pointer[] = koffi.decode(getBase(), koffi.array('void *', 1));
    const api: Pointer = koffi.call(getApi, koffi.proto('void *GetApi(uint32_t)'), apiVersion);
    const length = 1 + Math.max(...Object.values(functions).map(([place]) => place), ...Object.values(releases));
    return use(koffi.decode(api, koffi.array('void *', length, 'Array')));
  } catch (cause) {
    const where = `${process.platform} ${process.arch}`;
    const message = `ONNX Runtime did not open on ${where}: ${(cause as Error).message}`;
    throw new ChatRexError('unsupported', message, { cause });
  }
}

/** koffi takes it only before its first call, so this comes with the import. */
function widenStacks(): void {
  try {
    koffi.config({ sync_stack_size: stackBytes, async_stack_size: stackBytes });
  } catch {
    // Told by `requireWideStacks` once it matters.
  }
}

/** @throws ChatRexError where the program has used koffi before, with stacks that are too small */
function requireWideStacks(): void {
  const { sync_stack_size: here = 0, async_stack_size: apart = 0 } = koffi.config();
  if (here >= stackBytes && apart >= stackBytes) return;
  const settings = `sync_stack_size: ${stackBytes}, async_stack_size: ${stackBytes}`;
  const advice = `import chatrex before koffi is used, or call koffi.config({ ${settings} }) first`;
  throw new ChatRexError('unsupported', `koffi is in use with stacks that are too small: ${advice}`);
}

widenStacks();
