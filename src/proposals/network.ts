/**
 * UPN, the universal proposal network: every object of an image as a box, for the fine or the coarse prompt (paper
 * section 3.1). Agrees with the official `upn` package; parameter names are the keys of its checkpoints.
 */

import type { Scope } from '../nn/scope.ts';
import type { Dim } from '../tensor/dimension.ts';
import { expand } from '../tensor/ops/expand.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { createBackbone } from './backbone.ts';
import type { UpnConfig } from './config.ts';
import { deformableDecoder, type Predictions, type Queries } from './decoder.ts';
import { deformableEncoder } from './encoder.ts';
import { type FeatureSequence, featureLevels } from './feature-levels.ts';
import { type Candidates, querySelection, type Selection } from './query-selection.ts';

/** Pieces of things, or whole things. */
export type Granularity = 'fine' | 'coarse';

/** A batch of images, encoded once for any number of prompts. */
export interface ImageFeatures {
  /** The backbone's maps, [B, C, h, w] each. */
  readonly backboneMaps: readonly Tensor[];
  readonly sequence: FeatureSequence;
  /** [B, S, C] */
  readonly memory: Tensor;
  readonly candidates: Candidates;
  /** What each layer of the decoder samples. */
  readonly decoderMaps: readonly Tensor[][];
}

export interface UpnNetwork {
  /**
   * @param images float32 [B, 3, H, W], normalised, zero in padding; H and W static
   * @param padding bool [B, H, W], true in padding; null when every image fills the canvas
   */
  encode(images: Tensor, padding: Tensor | null): ImageFeatures;
  /** [1, C] */
  prompt(granularity: Granularity): Tensor;
  /** A box for every token, whatever the prompt: [B, S, 4]. */
  tokenBoxes(encoded: ImageFeatures): Tensor;
  /** The first boxes for a prompt. */
  select(encoded: ImageFeatures, prompt: Tensor): Selection;
  /** The learned contents of `count` queries: [B, count, C]. */
  content(batch: Dim, count: number): Tensor;
  decode(encoded: ImageFeatures, queries: Queries): Predictions;
}

/** The network with its parameters in `scope`. */
export function upnNetwork(scope: Scope, config: UpnConfig): UpnNetwork {
  const { hiddenSize, numQueries } = config;
  const transformer = scope.at('transformer');
  const backbone = createBackbone(scope.at('backbone.model.backbone'), config);
  const levels = featureLevels(scope, config);
  const encoder = deformableEncoder(transformer.at('encoder'), config);
  const selection = querySelection(transformer, config);
  const decoder = deformableDecoder(transformer.at('decoder'), scope.at('bbox_embed.0'), config);
  const embedding = { kind: 'normal', deviation: 1 } as const;
  const contents = transformer.parameter('tgt_embed.weight', [numQueries, hiddenSize], embedding);
  // Features are normalised, so that first similarities with such a prompt are about one.
  const small = { kind: 'normal', deviation: hiddenSize ** -0.5 } as const;
  const prompts = {
    fine: transformer.parameter('fine_grained_prompt.weight', [1, hiddenSize], small),
    coarse: transformer.parameter('coarse_grained_prompt.weight', [1, hiddenSize], small),
  };
  return {
    encode: (images, padding) => {
      const backboneMaps = backbone(images);
      const sequence = levels(backboneMaps, padding);
      const memory = encoder(sequence);
      const candidates = selection.prepare(memory, sequence);
      return { backboneMaps, sequence, memory, candidates, decoderMaps: decoder.project(memory, sequence) };
    },
    prompt: (granularity) => prompts[granularity],
    tokenBoxes: ({ candidates }) => selection.boxes(candidates),
    select: ({ candidates }, prompt) => selection.select(candidates, prompt),
    content: (batch, count) =>
      expand(reshape(slice(contents, { axis: 0, end: count }), [1, count, hiddenSize]), [batch, count, hiddenSize]),
    decode: ({ decoderMaps, sequence }, queries) => decoder.decode(decoderMaps, sequence, queries),
  };
}

/** Selection and decoding with the learned queries alone, as at inference. */
export function proposeFor(
  network: UpnNetwork,
  encoded: ImageFeatures,
  granularity: Granularity,
): { selection: Selection; predictions: Predictions } {
  const prompts = network.prompt(granularity);
  const selection = network.select(encoded, prompts);
  const { boxesUnsigmoid } = selection;
  const [batch, count] = boxesUnsigmoid.shape as [Dim, number];
  const content = network.content(batch, count);
  return { selection, predictions: network.decode(encoded, { content, boxesUnsigmoid, prompts }) };
}
