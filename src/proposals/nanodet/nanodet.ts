/** Photographs in, boxes with names out: NanoDet-g with its pre- and post-processing, as a proposal network. */

import { ChatRexError } from '../../errors.ts';
import type { ImageSource } from '../../image/decode.ts';
import { createImageBatch, IMAGENET_STATISTICS, type ImageBatch, setImage } from '../../image/normalize.ts';
import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { createScope } from '../../nn/scope.ts';
import type { StoredWeight } from '../../onnx/emit.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { Session, type SessionOptions } from '../../runtime/session.ts';
import { concat } from '../../tensor/ops/concat.ts';
import { input } from '../../tensor/ops/input.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { nanoDetNetwork } from '../../vision/nanodet/network.ts';
import { placeBoxes } from '../../vision/nanodet/place-boxes.ts';
import { explainNaN, hasNaN } from '../../weights/non-finite.ts';
import { completeFilter, type FilterOptions, type Proposals } from '../post-process.ts';
import { type ProposalNetwork, type ProposeOptions, proposeForEach, requireGranularity } from '../proposal-network.ts';
import { SessionCache } from '../session-cache.ts';
import { type NanoDetConfig, type NanoDetScale, sizesOf } from './config.ts';
import { type Detection, detectionsOf, proposalsOf } from './detections.ts';

/** A network on disk: its configuration and where its weights are. */
export interface StoredNanoDet {
  readonly config: NanoDetConfig;
  readonly weights: ReadonlyMap<string, StoredWeight>;
}

/** What goes in and comes out for one image at one scale. */
interface ImageMemory {
  readonly batch: ImageBatch;
  found?: Record<string, HostTensor>;
}

export class NanoDet implements ProposalNetwork {
  /** It learned boxes of whole things only. */
  readonly granularities = ['coarse'] as const;
  readonly config: NanoDetConfig;
  readonly #weights: StoredNanoDet['weights'];
  readonly #options: SessionOptions;
  /** One session per scale. */
  readonly #sessions: SessionCache<Session>;
  /** By side of the square: memory of images looked at before, as many as were looked at at once. */
  readonly #unused = new Map<number, ImageMemory[]>();

  /** Nothing is read until the first image. See `loadProposalNetwork`. */
  constructor({ config, weights }: StoredNanoDet, session: SessionOptions = {}) {
    this.config = config;
    this.#weights = weights;
    this.#options = session;
    this.#sessions = new SessionCache(config.scales.length);
  }

  get categories(): readonly string[] {
    return this.config.categories;
  }

  get filter(): Required<FilterOptions> {
    const { minScore, nmsIou } = this.config;
    return completeFilter({ minScore, nmsIou });
  }

  /**
   * Finds the objects of every image and names them.
   *
   * `scores` say how likely a box holds an object (IoU of at least .5 with one), `categoryScores` how likely it also
   * has the name that `categories` gives it. `both` finds what `coarse` does. `fine` is an error: to answer with no
   * boxes would say that the image has no pieces of things, which nobody has looked for.
   * @throws ChatRexError 'unsupported' for `fine`; and as `ProposalNetwork.propose`
   * @example const [{ boxesXyxy, scores, categories }] = await network.propose(['photo.jpg']);
   */
  async propose(sources: readonly ImageSource[], options: ProposeOptions = {}): Promise<Proposals[]> {
    const { granularity = 'coarse', fast = false } = options;
    requireGranularity(granularity);
    if (granularity === 'fine') {
      throw new ChatRexError(
        'unsupported',
        "granularity 'fine': this network finds whole things only; ask for 'coarse', or use a UPN",
      );
    }
    const { scales } = this.config;
    const { minScore = this.filter.minScore, nmsIou = this.filter.nmsIou, maxBoxes } = options;
    const filter = completeFilter({ minScore, nmsIou, maxBoxes });
    const used = fast ? scales.slice(0, 1) : scales;
    return proposeForEach(sources, options, async (image) => {
      const found = await this.detections(image, used, filter.minScore, options.signal);
      return proposalsOf(found, image, this.config, filter);
    });
  }

  /**
   * What every place of the given scales proposes, before doubles are suppressed: for those who want to choose
   * themselves.
   * @param minScore least probability of an object
   */
  detections(
    image: RgbImage,
    scales: readonly NanoDetScale[],
    minScore: number,
    signal?: AbortSignal,
  ): Promise<Detection[]> {
    return this.#sessions.during(async () => {
      const found: Detection[][] = [];
      for (const scale of scales) {
        found.push(await this.#detect(image, scale, minScore, signal));
      }
      return found.flat();
    });
  }

  async dispose(): Promise<void> {
    await this.#sessions.dispose();
  }

  async #detect(image: RgbImage, scale: NanoDetScale, minScore: number, signal?: AbortSignal): Promise<Detection[]> {
    const { side } = scale;
    const create = () => Session.create(detectionGraph(this.config, side), this.#weights, this.#options);
    return this.#sessions.use(String(side), create, async (session) => {
      const memory: ImageMemory = this.#unused.get(side)?.pop() ?? {
        batch: createImageBatch(1, { width: side, height: side }),
      };
      memory.found = await session.run({ images: stretched(image, memory.batch) }, memory.found, signal);
      const [logits, boxesXyxy] = [memory.found.logits.data, memory.found.boxesXyxy.data] as Float32Array[];
      if (hasNaN(logits)) throw await explainNaN('scores of boxes', this.#weights);
      const detections = detectionsOf({ scale, logits, boxesXyxy }, image, this.config, minScore);
      this.#unused.set(side, [...(this.#unused.get(side) ?? []), memory]);
      return detections;
    });
  }
}

/** [1, 3, side, side] in the memory of a batch: the whole image as a square, whatever its shape was, normalised. */
export function stretched(image: RgbImage, batch: ImageBatch): HostTensor<'float32'> {
  const { width, height } = batch;
  setImage(batch, 0, resizeImage(image, { width, height }), IMAGENET_STATISTICS);
  return hostTensor('float32', [1, 3, height, width], batch.pixels);
}

/** Input `images`; `logits` [B, N, categories] and `boxesXyxy` [B, N, 4] of all places of all levels. */
export function detectionGraph(config: NanoDetConfig, side: number): Record<'logits' | 'boxesXyxy', Tensor> {
  const network = nanoDetNetwork(createScope(), sizesOf(config));
  const levels = network.predict(network.maps(input('images', 'float32', ['batch', 3, side, side])));
  const logits = concat(
    levels.map((level) => level.logits),
    1,
  );
  return { logits, boxesXyxy: placeBoxes(levels, config) };
}
