/**
 * Two-stage query selection: the tokens most similar to the prompt become the first boxes (paper section 3.1).
 *
 * Agrees with `get_two_stage_proposal` and `gen_encoder_output_proposals` of the official code, except that boxes are
 * computed for the selected tokens only, and that an image with fewer tokens than queries gets fewer queries.
 */

import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import { mlp } from '../nn/mlp.ts';
import type { Scope } from '../nn/scope.ts';
import type { Dim } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { and } from '../tensor/ops/and.ts';
import { cast } from '../tensor/ops/cast.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant, filled } from '../tensor/ops/constant.ts';
import { divide } from '../tensor/ops/divide.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gatherElements } from '../tensor/ops/gather-elements.ts';
import { greater } from '../tensor/ops/greater.ts';
import { less } from '../tensor/ops/less.ts';
import { log } from '../tensor/ops/log.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMax } from '../tensor/ops/reduce-max.ts';
import { reduceMin } from '../tensor/ops/reduce-min.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import { slice } from '../tensor/ops/slice.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { topK } from '../tensor/ops/top-k.ts';
import { where } from '../tensor/ops/where.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UpnConfig } from './config.ts';
import type { FeatureSequence } from './feature-levels.ts';

/** Side of a token's first box on the finest level, as a fraction of the image; it doubles from level to level. */
const baseSize = 0.05;
/** Proposals with a coordinate or side outside margin..1-margin are left out. */
const margin = 0.01;

export interface Selection {
  /** Similarity of every token with the prompt: [B, S]. */
  readonly tokenLogits: Tensor;
  /** Which tokens were selected, best first: int64 [B, Q]. */
  readonly tokenIndices: Tensor;
  /** Their similarity: [B, Q, 1]. */
  readonly logits: Tensor;
  /** Their boxes before the sigmoid, infinite in padding: [B, Q, 4]. */
  readonly boxesUnsigmoid: Tensor;
  /** Their boxes, normalised to the canvas: [B, Q, 4]. */
  readonly boxesCxcywhNormalized: Tensor;
}

export interface QuerySelection {
  /** What is the same for every prompt. */
  prepare(memory: Tensor, sequence: FeatureSequence): Candidates;
  /** The boxes of all tokens, [B, S, 4], which training supervises too. */
  boxes(candidates: Candidates): Tensor;
  /** @param prompt [1, C], or [B, 1, C] with one per image */
  select(candidates: Candidates, prompt: Tensor): Selection;
}

export interface Candidates {
  /** [B, S, C] */
  readonly features: Tensor;
  /** [B, S, 4] before the sigmoid; infinite where there is nothing to propose. */
  readonly proposals: Tensor;
}

export function querySelection(scope: Scope, config: UpnConfig): QuerySelection {
  const { hiddenSize, numQueries } = config;
  const output = linear(scope.at('enc_output'), hiddenSize, hiddenSize);
  const norm = layerNorm(scope.at('enc_output_norm'), hiddenSize);
  const boxHead = mlp(scope.at('enc_out_bbox_embed'), { sizes: [hiddenSize, hiddenSize, hiddenSize, 4] });
  return {
    prepare: (memory, sequence) => {
      const [batch, length] = memory.shape;
      const { proposals, isCandidate } = tokenProposals(sequence);
      const kept = multiply(memory, reshape(cast(isCandidate, 'float32'), [batch, length, 1]));
      return { features: norm(output(kept)), proposals };
    },
    boxes: ({ features, proposals }) => sigmoid(add(boxHead(features), proposals)),
    select: ({ features, proposals }, prompt) => {
      const [batch, length] = features.shape;
      const tokenLogits = reshape(matmul(features, prompt, { transposeB: true }), [batch, length]);
      const k = Math.min(numQueries, length as number);
      const { values, indices } = topK(tokenLogits, { k, axis: 1 });
      const pick = (x: Tensor) => {
        const width = x.shape[2];
        return gatherElements(x, expand(reshape(indices, [batch, k, 1]), [batch, k, width]), { axis: 1 });
      };
      const boxesUnsigmoid = add(boxHead(pick(features)), pick(proposals));
      return {
        tokenLogits,
        tokenIndices: indices,
        logits: reshape(values, [batch, k, 1]),
        boxesUnsigmoid,
        boxesCxcywhNormalized: sigmoid(boxesUnsigmoid),
      };
    },
  };
}

/** One box per token around its middle: proposals [B, S, 4] before the sigmoid, and which tokens have one, [B, S]. */
function tokenProposals({ grids, validRatios, valid }: FeatureSequence): { proposals: Tensor; isCandidate: Tensor } {
  const [batch, length] = valid.shape;
  const levels = grids.map(({ height, width }, level) => {
    const size = height * width;
    const middle = Array.from({ length: size * 2 }, (_, i) => {
      const place = i >> 1;
      return i % 2 === 0 ? ((place % width) + 0.5) / width : (Math.floor(place / width) + 0.5) / height;
    });
    const [down, right] = [0, 1].map((axis) => {
      const ofLevel = slice(validRatios, { axis: 1, start: level, end: level + 1 });
      return slice(ofLevel, { axis: 2, start: axis, end: axis + 1 });
    });
    const centers = divide(constant('float32', [1, size, 2], middle), concat([right, down], 2));
    const side = filled('float32', [1, 1, 1], baseSize * 2 ** level);
    return concat([centers, expand(side, [batch as Dim, size, 2])], 2);
  });
  const boxes = concat(levels, 1);
  const lowest = reduceMin(boxes, { axes: [2] });
  const highest = reduceMax(boxes, { axes: [2] });
  const isInside = and(greater(lowest, margin), less(highest, 1 - margin));
  const isCandidate = and(isInside, greater(valid, 0.5));
  const unsigmoid = log(divide(boxes, subtract(1, boxes)));
  const infinite = filled('float32', [1, 1, 1], Number.POSITIVE_INFINITY);
  return { proposals: where(reshape(isCandidate, [batch, length, 1]), unsigmoid, infinite), isCandidate };
}
