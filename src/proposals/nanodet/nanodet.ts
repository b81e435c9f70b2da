/** Photographs in, boxes with names out: NanoDet-g with its pre- and post-processing, as a proposal network. */

import { ChatRexError } from '../../errors.ts';
import type { ImageSource } from '../../image/decode.ts';
import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
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
import { createTurns } from '../in-turn.ts';
import { completeFilter, type FilterOptions, type Proposals } from '../post-process.ts';
import { type ProposalNetwork, type ProposeOptions, proposeForEach, requireGranularity } from '../proposal-network.ts';
import { SessionCache } from '../session-cache.ts';
import { type NanoDetConfig, type NanoDetScale, sizesOf } from './config.ts';
import { type Detection, detectionsOf, proposalsOf, type ScalePredictions } from './detections.ts';

/** A network on disk: its configuration and where its weights are. */
export interface StoredNanoDet {
  readonly config: NanoDetConfig;
  readonly weights: ReadonlyMap<string, StoredWeight>;
}

export class NanoDet implements ProposalNetwork {
  /** It learned boxes of whole things only. */
  readonly granularities = ['coarse'] as const;
  readonly config: NanoDetConfig;
  readonly #weights: StoredNanoDet['weights'];
  readonly #options: SessionOptions;
  /** One session per scale. */
  readonly #sessions: SessionCache<Session>;
  readonly #inTurn = createTurns();

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
      const found = await this.detections(image, used, filter.minScore);
      return proposalsOf(found, image, this.config, filter);
    });
  }

  /**
   * What every place of the given scales proposes, before doubles are suppressed: for those who want to choose
   * themselves.
   * @param minScore least probability of an object
   */
  detections(image: RgbImage, scales: readonly NanoDetScale[], minScore: number): Promise<Detection[]> {
    return this.#inTurn(async () => {
      const found: Detection[][] = [];
      for (const scale of scales) {
        found.push(detectionsOf(await this.#predict(image, scale), image, this.config, minScore));
      }
      return found.flat();
    });
  }

  async dispose(): Promise<void> {
    await this.#inTurn(() => this.#sessions.dispose());
  }

  async #predict(image: RgbImage, scale: NanoDetScale): Promise<ScalePredictions> {
    const { side } = scale;
    const session = await this.#sessions.get(String(side), () =>
      Session.create(detectionGraph(this.config, side), this.#weights, this.#options),
    );
    const { logits, boxesXyxy } = await session.run({ images: stretched(image, side) });
    if (hasNaN(logits.data as Float32Array)) throw await explainNaN('scores of boxes', this.#weights);
    return { scale, logits: logits.data as Float32Array, boxesXyxy: boxesXyxy.data as Float32Array };
  }
}

/** [1, 3, side, side]: the whole image as a square, whatever its shape was, normalised. */
export function stretched(image: RgbImage, side: number): HostTensor<'float32'> {
  const batch = createImageBatch(1, { width: side, height: side });
  setImage(batch, 0, resizeImage(image, { width: side, height: side }), IMAGENET_STATISTICS);
  return hostTensor('float32', [1, 3, side, side], batch.pixels);
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
