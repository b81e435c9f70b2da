/** Images in, boxes out: the universal proposal network with its pre- and post-processing (paper section 3.1). */

import type { ImageSource } from '../image/decode.ts';
import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../image/normalize.ts';
import { resizeImage } from '../image/resize.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import { shortestSideSize } from '../image/transform.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { Session, type SessionOptions, signedProductsSaturate } from '../runtime/session.ts';
import type { Dim } from '../tensor/dimension.ts';
import { input } from '../tensor/ops/input.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { explainNaN, hasNaN } from '../weights/non-finite.ts';
import type { UpnConfig, UpnPreset } from './config.ts';
import { type Int8Layers, int8LayersOf, upnScope } from './int8-layers.ts';
import { loadStoredUpn, type StoredUpn } from './load.ts';
import { type Granularity, proposeFor, upnNetwork } from './network.ts';
import { completeFilter, type FilterOptions, filterPredictions, type Proposals } from './post-process.ts';
import { type ProposalNetwork, type ProposeOptions, proposeForEach, requireGranularity } from './proposal-network.ts';
import { SessionCache } from './session-cache.ts';

export type { ProposeOptions } from './proposal-network.ts';

export interface UpnLoadOptions {
  /** Sizes of a checkpoint that comes without `config.json`; `upn-large` when left out. */
  readonly preset?: UpnPreset;
  readonly session?: SessionOptions;
  /** How many canvas sizes stay ready. Each costs seconds to make and, for the large network, gigabytes to keep. */
  readonly maxSessions?: number;
}

/** One canvas size is all that images of one camera need. */
const defaultMaxSessions = 2;

export class Upn implements ProposalNetwork {
  readonly granularities = ['fine', 'coarse'] as const;
  /** It names nothing. */
  readonly categories = [] as const;
  readonly config: UpnConfig;
  readonly #stored: StoredUpn;
  readonly #options: UpnLoadOptions;
  readonly #sessions: SessionCache<Session>;
  /** A session in use must not make room for another. */

  private constructor(stored: StoredUpn, options: UpnLoadOptions) {
    this.config = stored.config;
    this.#stored = stored;
    this.#options = options;
    this.#sessions = new SessionCache(options.maxSessions ?? defaultMaxSessions);
  }

  /**
   * Opens a network; nothing but headers is read until the first image.
   * @param source see `loadStoredUpn`
   * @throws ChatRexError naming what is missing, malformed or does not fit
   * @example const upn = await Upn.load('nano');
   */
  static async load(source = 'nano', options: UpnLoadOptions = {}): Promise<Upn> {
    return new Upn(await loadStoredUpn(source, options.preset), options);
  }

  get filter(): Required<FilterOptions> {
    return completeFilter({ minScore: this.config.minScore });
  }

  /**
   * Finds the objects of every image. Each is looked at alone, so that its boxes do not depend on the others.
   * @returns one result per image, in order
   * @throws ChatRexError for an image that cannot be read, options out of range, 'aborted'
   * @example const [{ boxesXyxy, scores }] = await upn.propose(['photo.jpg'], { granularity: 'fine' });
   */
  async propose(sources: readonly ImageSource[], options: ProposeOptions = {}): Promise<Proposals[]> {
    const filter = completeFilter({ ...options, minScore: options.minScore ?? this.filter.minScore });
    const { granularity = 'coarse' } = options;
    requireGranularity(granularity);
    const prompts: readonly Granularity[] = granularity === 'both' ? ['coarse', 'fine'] : [granularity];
    return proposeForEach(sources, options, async (image) =>
      filterPredictions(
        await this.#sessions.during(() => this.#predict(image, prompts, options.signal)),
        image,
        filter,
      ),
    );
  }

  /** Frees the sessions after the calls under way; later calls are refused with code 'runtime'. */
  async dispose(): Promise<void> {
    await this.#sessions.dispose();
  }

  async #graph(
    canvas: ImageSize,
    hasPadding: boolean,
    prompts: readonly Granularity[],
  ): Promise<Record<string, Tensor>> {
    const int8Layers = int8LayersOf(this.#stored.weights.keys());
    // Where signed products saturate, ONNX Runtime copies the weights for every product that reads them. With a
    // symbolic batch the network is not split into stretches, so each weight is copied once or twice, not dozens of
    // times.
    const isWhole = int8Layers.size > 0 && (await signedProductsSaturate());
    return proposalGraph(this.config, canvas, hasPadding, prompts, int8Layers, isWhole ? 'batch' : 1);
  }

  async #predict(image: RgbImage, prompts: readonly Granularity[], signal?: AbortSignal) {
    const { shorterSide, longerSide, canvasMultiple } = this.config;
    const resized = resizeImage(image, shortestSideSize(image, shorterSide, longerSide));
    const canvas = paddedCanvas(resized, canvasMultiple);
    const hasPadding = canvas.width > resized.width || canvas.height > resized.height;
    const batch = createImageBatch(1, canvas);
    setImage(batch, 0, resized, IMAGENET_STATISTICS);
    const key = [canvas.width, canvas.height, hasPadding, ...prompts].join();
    const create = async () =>
      Session.create(await this.#graph(canvas, hasPadding, prompts), this.#stored.weights, {
        // For the large network a planned block would add half as much memory again and save no time.
        plansMemory: false,
        // In float the search finds products to join, which is worth its seconds.
        optimizes: int8LayersOf(this.#stored.weights.keys()).size === 0,
        ...this.#options.session,
      });
    const feeds = {
      images: hostTensor('float32', [1, 3, canvas.height, canvas.width], batch.pixels),
      padding: hostTensor('bool', [1, canvas.height, canvas.width], batch.mask),
    };
    const results = await this.#sessions.use(key, create, (session) => session.run(feeds, {}, signal));
    if (prompts.some((granularity) => hasNaN(results[`${granularity} logits`].data as Float32Array))) {
      throw await explainNaN('scores of boxes', this.#stored.weights);
    }
    return prompts.map((granularity) => ({
      granularity,
      logits: (results[`${granularity} logits`] as HostTensor<'float32'>).data,
      boxesCxcywhNormalized: (results[`${granularity} boxes`] as HostTensor<'float32'>).data,
    }));
  }
}

/**
 * Inputs `images` and, where there is any, `padding`; per prompt the last layer's `logits` and `boxes`.
 * @param int8Layers those of the weights that the graph shall run with; none by default
 * @param batch how many images at once. A number lets the network do in stretches what would take much memory at once.
 */
export function proposalGraph(
  config: UpnConfig,
  { width, height }: ImageSize,
  hasPadding: boolean,
  prompts: readonly Granularity[],
  int8Layers?: Int8Layers,
  batch: Dim = 1,
): Record<string, Tensor> {
  const network = upnNetwork(upnScope(int8Layers), config);
  const images = input('images', 'float32', [batch, 3, height, width]);
  const encoded = network.encode(images, hasPadding ? input('padding', 'bool', [batch, height, width]) : null);
  const outputs: Record<string, Tensor> = {};
  for (const granularity of prompts) {
    const { logits, boxesCxcywhNormalized } = proposeFor(network, encoded, granularity).predictions;
    outputs[`${granularity} logits`] = logits[logits.length - 1];
    outputs[`${granularity} boxes`] = boxesCxcywhNormalized[boxesCxcywhNormalized.length - 1];
  }
  return outputs;
}

/** The smallest canvas of the network that holds an image. */
export function paddedCanvas({ width, height }: ImageSize, multiple: number): ImageSize {
  const up = (side: number) => Math.ceil(side / multiple) * multiple;
  return { width: up(width), height: up(height) };
}
