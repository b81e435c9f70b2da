/**
 * The model in a process of its own, so that nothing it computes holds the server up, and a crash of it costs the
 * requests that were under way and no more: it is started again, and requests that have not begun wait for it.
 */

import type { ChildProcess } from 'node:child_process';
import { ChatRexError } from '../errors.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import { startChild } from '../workers/start-child.ts';
import { unavailable } from './api-error.ts';
import { deferred, unlessAborted } from './deferred.ts';
import type { ModelChildOptions } from './model-child.ts';
import type { FromModel, ModelResults, ModelTask, SentError, ToModel } from './model-protocol.ts';

/** A process that lived this long was well; a younger one may die again at once. */
const wellAfterMs = 10_000;
const firstPauseMs = 50;
const longestPauseMs = 5_000;
/**
 * A process that has not given up a task this long after it was told to is stuck: longer than the largest proposal
 * network takes for one image on a slow machine, which cannot be interrupted.
 */
const stuckAfterMs = 180_000;
/** How long a process may take to end when it is told to. */
const endingMs = 2_000;

export interface CallOptions {
  /** Ends the work with an error of code 'aborted'. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: AnswerEvent) => void;
}

interface Pending {
  resolve(result: ModelResults[keyof ModelResults]): void;
  reject(error: unknown): void;
  readonly onEvent?: (event: AnswerEvent) => void;
}

export interface ModelProcessHooks {
  /** The process ended unasked: all that it kept is gone. */
  readonly onLost?: (reason: string) => void;
  /** A defect in the process, for the log. */
  readonly onDefect?: (details: string) => void;
}

export class ModelProcess {
  readonly #options: ModelChildOptions;
  readonly #hooks: ModelProcessHooks;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #ready = deferred<void>();
  #isReady = false;
  #isStopped = false;
  #startedAt = 0;
  #pauseMs = firstPauseMs;
  #nextId = 0;
  #restartTimer: NodeJS.Timeout | undefined;

  private constructor(options: ModelChildOptions, hooks: ModelProcessHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  /** @throws ChatRexError when the model cannot be loaded */
  static async start(options: ModelChildOptions, hooks: ModelProcessHooks = {}): Promise<ModelProcess> {
    const model = new ModelProcess(options, hooks);
    await model.#launch();
    return model;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Tasks that were sent and have not ended. */
  get calls(): number {
    return this.#pending.size;
  }

  /**
   * @throws what the task throws; ApiError 503 when the process ends meanwhile
   */
  async call<T extends ModelTask>(task: T, { signal, onEvent }: CallOptions = {}): Promise<ModelResults[T['kind']]> {
    await unlessAborted(this.#ready.promise, signal);
    const id = this.#nextId++;
    const child = this.#child;
    let stuck: NodeJS.Timeout | undefined;
    const abort = () => {
      this.#send({ kind: 'abort', id });
      stuck = setTimeout(() => child?.kill('SIGKILL'), stuckAfterMs);
    };
    const { promise, resolve, reject } = deferred<ModelResults[keyof ModelResults]>();
    this.#pending.set(id, { resolve, reject, onEvent });
    this.#send({ kind: 'task', id, task });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return (await promise) as ModelResults[T['kind']];
    } finally {
      signal?.removeEventListener('abort', abort);
      clearTimeout(stuck);
      this.#pending.delete(id);
    }
  }

  /** Frees what is kept under a key, after the questions about it that were sent. */
  forget(key: string): void {
    if (this.#isReady) this.#send({ kind: 'forget', key });
  }

  /** Ends the process; calls under way fail. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restartTimer);
    this.#ready.reject(unavailable('the server is stopping'));
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const timer = setTimeout(() => child.kill('SIGKILL'), endingMs);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(timer);
  }

  /** Resolves when the model is loaded, rejects when it cannot be or the process ends before. */
  #launch(): Promise<void> {
    const child = startChild('./model-child.ts', import.meta.url, [JSON.stringify(this.#options)]);
    const loaded = deferred<void>();
    this.#child = child;
    this.#startedAt = Date.now();
    child.on('message', (message: FromModel) => {
      if (message.kind === 'ready') {
        this.#isReady = true;
        this.#ready.resolve();
        loaded.resolve();
      } else if (message.kind === 'unloadable') loaded.reject(receivedError(message.error));
      else this.#receive(message);
    });
    // A message that could not be sent because the process just ended is told by its end.
    child.on('error', () => {});
    child.once('exit', (code, signal) => {
      const reason = `the model's process ended (${signal ?? `status ${code}`})`;
      loaded.reject(new ChatRexError('runtime', `${reason} before the model was loaded`));
      if (child === this.#child) this.#lose(reason);
    });
    return loaded.promise;
  }

  #receive(message: Exclude<FromModel, { kind: 'ready' | 'unloadable' }>): void {
    const pending = this.#pending.get(message.id);
    if (message.kind === 'event') pending?.onEvent?.(message.event);
    else if (message.kind === 'result') pending?.resolve(message.result);
    else {
      if (message.error.code === undefined) this.#hooks.onDefect?.(message.error.message);
      pending?.reject(receivedError(message.error));
    }
  }

  #lose(reason: string): void {
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (wasReady) this.#ready = deferred();
    for (const { reject } of this.#pending.values()) reject(unavailable(`${reason}; try again`));
    this.#pending.clear();
    if (this.#isStopped) return;
    // A model that never loaded is the caller's mistake, which `start` has told.
    if (!wasReady && this.#restartTimer === undefined) return;
    this.#hooks.onLost?.(reason);
    if (Date.now() - this.#startedAt > wellAfterMs) this.#pauseMs = firstPauseMs;
    this.#restartTimer = setTimeout(() => {
      // Its end is told by `exit`, which starts it again.
      this.#launch().catch((error: Error) => this.#hooks.onDefect?.(error.message));
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  #send(message: ToModel): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }
}

/** A defect is one of ours too: its details are in the log. */
const receivedError = ({ code, message }: SentError): ChatRexError => new ChatRexError(code ?? 'runtime', message);
