/**
 * What all ways into the server share: a queue in front of the model's process, and the images that it keeps.
 *
 * A request first waits for its turn, then gets its image, looked at now or earlier, and asks about it.
 */

import { createHash } from 'node:crypto';
import type { Answer } from '../chatrex/answer.ts';
import type { PromptPart, Turn } from '../chatrex/encoded-image.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import { unavailable } from './api-error.ts';
import { FairQueue } from './fair-queue.ts';
import { ImageCache } from './image-cache.ts';
import { ModelProcess } from './model-process.ts';
import type {
  AnswerOptions,
  AskTask,
  DrawTask,
  EncodedFacts,
  EncodeTask,
  ProposeResult,
  ProposeTask,
} from './model-protocol.ts';
import type { EngineSettings } from './settings.ts';
import { yieldTurn } from './yield-turn.ts';

/** An image as a client gave it. */
export interface ImageInput extends Pick<EncodeTask, 'boxes' | 'granularity'> {
  readonly bytes: Uint8Array;
}

/** Who asks, and until when the answer is wanted. */
export interface Caller {
  /** Requests of one client wait for each other, not for those of others. */
  readonly client: string;
  readonly signal: AbortSignal;
}

/** An answer, and what the model read before it where that was asked for. */
export type WrittenAnswer = Answer & { readonly prompt?: readonly PromptPart[] };

export type AskableOptions = AnswerOptions & Pick<AskTask, 'showsPrompt'>;

/** An image that is ready for questions, within `Engine.withImage`. */
export interface AskableImage {
  readonly facts: EncodedFacts;
  /** Whether another request had it looked at. */
  readonly isCached: boolean;
  ask(turns: readonly Turn[], options: AskableOptions, onEvent?: (event: AnswerEvent) => void): Promise<WrittenAnswer>;
}

/** Times in milliseconds of one question, for metrics. */
export interface AskTimes {
  /** From the request's arrival to its turn. */
  readonly queued: number;
  /** From its turn to the first event of the answer: the image and the question are read. */
  readonly prefill: number;
  /** From there to the end. */
  readonly decode: number;
}

/** What happens, for metrics and the log. */
export interface EngineObserver {
  onAnswer?(answer: Answer, times: AskTimes): void;
  onImage?(isCached: boolean): void;
  onLost?(reason: string): void;
  onDefect?(details: string): void;
}

type Encoded = EncodedFacts & { readonly key: string };

export class Engine {
  readonly #model: ModelProcess;
  readonly #settings: EngineSettings;
  readonly #observer: EngineObserver;
  readonly #queue: FairQueue;
  readonly #images: ImageCache<Encoded>;
  #nextKey = 0;

  private constructor(model: ModelProcess, settings: EngineSettings, observer: EngineObserver) {
    this.#model = model;
    this.#settings = settings;
    this.#observer = observer;
    this.#queue = new FairQueue(settings);
    const limits = { maxEntries: settings.cacheEntries, maxBytes: settings.cacheBytes };
    this.#images = new ImageCache(limits, ({ key }) => model.forget(key));
  }

  /** Loads the model. @throws ChatRexError when it cannot be loaded */
  static async start(settings: EngineSettings, observer: EngineObserver = {}): Promise<Engine> {
    const { model, upn, threads, concurrency: batchRows, batchBytes } = settings;
    const started: { engine?: Engine } = {};
    const process = await ModelProcess.start(
      { model, upn, threads, batchRows, batchBytes },
      {
        onLost: (reason) => {
          started.engine?.forgetImages();
          observer.onLost?.(reason);
        },
        onDefect: observer.onDefect,
      },
    );
    started.engine = new Engine(process, settings, observer);
    return started.engine;
  }

  /** Whether the model can answer now. */
  get isReady(): boolean {
    return this.#model.isReady;
  }

  /** Process id of the model. */
  get modelPid(): number | undefined {
    return this.#model.pid;
  }

  /** Requests whose turn it is and those that wait, tasks that the model is at, and the images that it keeps. */
  get load(): { running: number; waiting: number; calls: number; images: number; imageBytes: number } {
    const { running, waiting } = this.#queue;
    const { entries: images, bytes: imageBytes } = this.#images;
    return { running, waiting, calls: this.#model.calls, images, imageBytes };
  }

  /**
   * Does `work` with an image in the caller's turn.
   * @throws ApiError 429 when too many wait, 503 when the model's process ends meanwhile or time is over; ChatRexError
   *   for an image or a question that cannot be used, 'aborted' when the caller goes away
   */
  async withImage<T>(caller: Caller, image: ImageInput, work: (image: AskableImage) => Promise<T>): Promise<T> {
    const arrived = performance.now();
    return this.#inTurn(caller, async (signal) => {
      const begun = performance.now();
      await yieldTurn(image.bytes.length);
      const key = contentKey(image);
      await yieldTurn(image.bytes.length);
      const lease = await this.#images.use(key, (given) => this.#encode(image, given), signal);
      this.#observer.onImage?.(lease.isHit);
      try {
        let since = begun;
        return await work({
          facts: lease.value,
          isCached: lease.isHit,
          ask: async (turns, options, onEvent) => {
            const times = { queued: begun - arrived, since, signal };
            const { answer, prompt, sizeBytes } = await this.#ask(lease.value.key, turns, options, times, onEvent);
            lease.resize(sizeBytes);
            since = performance.now();
            return prompt ? { ...answer, prompt } : answer;
          },
        });
      } finally {
        lease.release();
      }
    });
  }

  /** Boxes of an image by the proposal network alone; fails as `withImage` does. */
  propose(caller: Caller, task: Omit<ProposeTask, 'kind' | 'maxPixels'>): Promise<ProposeResult> {
    const { maxPixels } = this.#settings;
    return this.#inTurn(caller, (signal) => this.#model.call({ kind: 'propose', maxPixels, ...task }, { signal }));
  }

  /** A drawing as PNG; fails as `withImage` does. */
  draw(caller: Caller, task: Omit<DrawTask, 'kind' | 'maxPixels'>): Promise<Uint8Array> {
    const { maxPixels } = this.#settings;
    return this.#inTurn(caller, (signal) => this.#model.call({ kind: 'draw', maxPixels, ...task }, { signal }));
  }

  /** Drops all images: the process that kept them is gone. */
  forgetImages(): void {
    this.#images.clear();
  }

  /** Refuses new requests; resolves when those that came before have ended. */
  drain(): Promise<void> {
    return this.#queue.close();
  }

  /** Ends the model's process; what is under way fails. */
  stop(): Promise<void> {
    return this.#model.stop();
  }

  async #inTurn<T>({ client, signal }: Caller, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#queue.run(
      client,
      async () => {
        const deadline = AbortSignal.timeout(this.#settings.timeoutMs);
        try {
          return await work(AbortSignal.any([signal, deadline]));
        } catch (error) {
          if (deadline.aborted && !signal.aborted) throw this.#late();
          throw error;
        }
      },
      signal,
    );
  }

  async #encode(image: ImageInput, signal: AbortSignal): Promise<Encoded> {
    // Not the content's key: what is given up must not take what is looked at afresh with it.
    const key = `image-${this.#nextKey++}`;
    const { bytes, boxes, granularity } = image;
    const { maxPixels } = this.#settings;
    const task = { kind: 'encode', key, image: bytes, maxPixels, boxes, granularity } as const;
    return { key, ...(await this.#model.call(task, { signal })) };
  }

  async #ask(
    key: string,
    turns: readonly Turn[],
    { showsPrompt, ...options }: AskableOptions,
    { queued, since, signal }: { queued: number; since: number; signal: AbortSignal },
    onEvent?: (event: AnswerEvent) => void,
  ) {
    let firstAt: number | undefined;
    const result = await this.#model.call(
      { kind: 'ask', key, turns, options, isStreamed: onEvent !== undefined, showsPrompt },
      {
        signal,
        onEvent: (event) => {
          firstAt ??= performance.now();
          onEvent?.(event);
        },
      },
    );
    const end = performance.now();
    const first = firstAt ?? end;
    this.#observer.onAnswer?.(result.answer, { queued, prefill: first - since, decode: end - first });
    return result;
  }

  #late() {
    return unavailable(`the request took longer than ${this.#settings.timeoutMs / 1000} s and was ended`);
  }
}

/** Same bytes, same boxes: same images, whoever sends them. */
function contentKey({ bytes, boxes, granularity }: ImageInput): string {
  return createHash('sha256')
    .update(JSON.stringify([boxes, granularity]))
    .update(bytes)
    .digest('base64');
}
