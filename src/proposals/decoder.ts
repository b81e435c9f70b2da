/**
 * The deformable transformer decoder: queries look at each other and at the image, and refine their boxes layer by
 * layer.
 *
 * Agrees with `upn_decoder.py` and the heads of `upn_model.py` of the official code. Predictions of a layer use the box
 * of the layer before with its gradient ("look forward twice"); what a layer looks at is cut off from it. Attention
 * weights of `ref_point_head_point` exist in checkpoints but have no effect there either, so they are not declared
 * here.
 */

import { multiHeadAttention } from '../nn/attention.ts';
import { layerNorm } from '../nn/layer-norm.ts';
import { mlp } from '../nn/mlp.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { clip } from '../tensor/ops/clip.ts';
import { concat } from '../tensor/ops/concat.ts';
import { divide } from '../tensor/ops/divide.ts';
import { log } from '../tensor/ops/log.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import { slice } from '../tensor/ops/slice.ts';
import { stopGradient } from '../tensor/ops/stop-gradient.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UpnConfig } from './config.ts';
import { boxFrame, deformableAttention } from './deformable-attention.ts';
import { feedForwardNetwork } from './encoder.ts';
import type { FeatureSequence } from './feature-levels.ts';
import { boxEmbedding } from './sine-embedding.ts';

/** Boxes are kept this far from 0 and 1 when they are taken back through the sigmoid. */
const sigmoidMargin = 1e-3;

/** What the decoder starts from. Queries for denoising are simply more queries, kept apart by `attentionMask`. */
export interface Queries {
  /** [B, N, C], N static. */
  readonly content: Tensor;
  /** [B, N, 4], before the sigmoid. */
  readonly boxesUnsigmoid: Tensor;
  /** The prompt that every query is scored by, broadcast to [B, N, C]: one for all, or one per query. */
  readonly prompts: Tensor;
  /** float, broadcast to [B, heads, N, N]: 0 where a query may look at another, very negative where not. */
  readonly attentionMask?: Tensor;
}

/** Per layer, first layer first. */
export interface Predictions {
  /** [B, N, 1] each: similarity with the prompt; its sigmoid is the score. */
  readonly logits: readonly Tensor[];
  /** [B, N, 4] each, fractions of the valid part of the canvas. */
  readonly boxesCxcywhNormalized: readonly Tensor[];
}

export interface DeformableDecoder {
  /** Memory -> for each layer the maps that it samples. The same for all queries. */
  project(memory: Tensor, sequence: FeatureSequence): Tensor[][];
  decode(maps: readonly Tensor[][], sequence: FeatureSequence, queries: Queries): Predictions;
}

/** @param boxHeadScope where the box head lies that all layers share */
export function deformableDecoder(scope: Scope, boxHeadScope: Scope, config: UpnConfig): DeformableDecoder {
  const { hiddenSize, numDecoderLayers, numHeads, numPoints } = config;
  const layers = Array.from({ length: numDecoderLayers }, (_, i) => {
    const at = scope.at(`layers.${i}`);
    return {
      selfAttention: multiHeadAttention(at.at('self_attn'), { channels: hiddenSize, heads: numHeads }),
      norm2: layerNorm(at.at('norm2'), hiddenSize),
      crossAttention: deformableAttention(at.at('cross_attn'), config),
      norm1: layerNorm(at.at('norm1'), hiddenSize),
      feedForward: feedForwardNetwork(at, config),
      norm3: layerNorm(at.at('norm3'), hiddenSize),
    };
  });
  const norm = layerNorm(scope.at('norm'), hiddenSize);
  const positionHead = mlp(scope.at('ref_point_head'), { sizes: [2 * hiddenSize, hiddenSize, hiddenSize] });
  const boxHead = mlp(boxHeadScope, { sizes: [hiddenSize, hiddenSize, hiddenSize, 4] });
  return {
    project: (memory, sequence) => layers.map(({ crossAttention }) => crossAttention.project(memory, sequence)),
    decode: (maps, sequence, { content, boxesUnsigmoid, prompts, attentionMask }) => {
      const [logits, boxes]: Tensor[][] = [[], []];
      let x = content;
      let boxesBefore = stopGradient(sigmoid(boxesUnsigmoid));
      for (const [i, layer] of layers.entries()) {
        const reference = stopGradient(boxesBefore);
        const position = positionHead(boxEmbedding(inCanvas(reference, sequence), hiddenSize));
        const placed = add(x, position);
        x = layer.norm2(add(x, layer.selfAttention(placed, placed, x, attentionMask)));
        const frame = boxFrame(reference, sequence, numPoints);
        x = layer.norm1(add(x, layer.crossAttention.attend(add(x, position), maps[i], frame)));
        x = layer.norm3(add(x, layer.feedForward(x)));
        const hidden = norm(x);
        logits.push(reduceSum(multiply(hidden, prompts), { axes: [-1], keepDims: true }));
        boxes.push(sigmoid(add(boxHead(hidden), inverseSigmoid(boxesBefore))));
        boxesBefore = sigmoid(add(boxHead(x), inverseSigmoid(reference)));
      }
      return { logits, boxesCxcywhNormalized: boxes };
    },
  };
}

/** Fractions of the valid part -> fractions of the canvas, by the valid part of the finest level. */
function inCanvas(boxesCxcywhNormalized: Tensor, { validRatios }: FeatureSequence): Tensor {
  const finest = slice(validRatios, { axis: 1, start: 0, end: 1 });
  const [down, right] = [0, 1].map((axis) => slice(finest, { axis: 2, start: axis, end: axis + 1 }));
  const ratios = concat([right, down, right, down], 2);
  return multiply(boxesCxcywhNormalized, reshape(ratios, [ratios.shape[0], 1, 4]));
}

const inverseSigmoid = (x: Tensor): Tensor =>
  log(divide(clip(x, { min: sigmoidMargin }), clip(subtract(1, x), { min: sigmoidMargin })));
