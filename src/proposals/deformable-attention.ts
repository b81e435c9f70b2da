/**
 * Multi-scale deformable attention (Zhu et al., 2021): every head of a query looks at a few places of every level.
 *
 * Agrees with `MSDeformAttn` of the official code, parameter names included. Whatever is sampled or samples is kept
 * channels first, [B, channels, places], which is the layout that sampling wants.
 */

import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { deformableSample } from '../tensor/ops/deformable-sample.ts';
import { divide } from '../tensor/ops/divide.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { softmax } from '../tensor/ops/softmax.ts';
import { split } from '../tensor/ops/split.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Grid } from '../vision/window-attention.ts';
import type { FeatureSequence } from './feature-levels.ts';

export interface DeformableAttentionOptions {
  readonly hiddenSize: number;
  readonly numHeads: number;
  readonly numLevels: number;
  readonly numPoints: number;
}

/** Where queries look, in pixels of each level; [B, levels, 2, Q], y before x. */
export interface SamplingFrame {
  /** The place that offsets are counted from. */
  readonly centers: Tensor;
  /** What an offset of one amounts to; one pixel without it. */
  readonly scales?: Tensor;
}

export interface DeformableAttention {
  /** Tokens of all levels [B, S, C] -> maps to sample from, each [B, C, h, w]; padding becomes zero. */
  project(tokens: Tensor, sequence: Pick<FeatureSequence, 'valid' | 'grids'>): Tensor[];
  /** Queries [B, Q, C] -> what they see [B, Q, C]. */
  attend(queries: Tensor, maps: readonly Tensor[], frame: SamplingFrame): Tensor;
}

export function deformableAttention(scope: Scope, options: DeformableAttentionOptions): DeformableAttention {
  const { hiddenSize, numHeads, numLevels, numPoints } = options;
  const samples = numHeads * numLevels * numPoints;
  const offsetWeight = scope.parameter('sampling_offsets.weight', [samples * 2, hiddenSize]);
  const offsetBias = scope.parameter('sampling_offsets.bias', [samples * 2], {
    kind: 'values',
    values: () => ringOffsets(options),
  });
  const weightWeight = scope.parameter('attention_weights.weight', [samples, hiddenSize]);
  const weightBias = scope.parameter('attention_weights.bias', [samples]);
  const xavier = { kind: 'uniform', bound: Math.sqrt(3 / hiddenSize) } as const;
  const valueWeight = scope.parameter('value_proj.weight', [hiddenSize, hiddenSize], xavier);
  const valueBias = scope.parameter('value_proj.bias', [hiddenSize]);
  const output = linear(scope.at('output_proj'), hiddenSize, hiddenSize);

  // The checkpoint stores x before y; images are indexed the other way round.
  const yBeforeX = (rows: Tensor, width: number): Tensor =>
    reshape(slice(reshape(rows, [samples, 2, width]), { axis: 1, step: -1 }), [samples * 2, width]);

  return {
    project: (tokens, { valid, grids }) => {
      const [batch, length] = tokens.shape;
      const projected = add(matmul(valueWeight, tokens, { transposeB: true }), reshape(valueBias, [hiddenSize, 1]));
      const masked = multiply(projected, reshape(valid, [batch, 1, length]));
      const lengths = grids.map(({ height, width }) => height * width);
      return split(masked, { axis: 2, lengths }).map((map, level) =>
        reshape(map, [batch, hiddenSize, grids[level].height, grids[level].width]),
      );
    },
    attend: (queries, maps, { centers, scales }) => {
      const [batch, count] = queries.shape;
      const perLevel = (x: Tensor) => reshape(x, [x.shape[0], 1, numLevels, 1, 2, x.shape[3]]);
      // [B, heads, levels, points, 2, Q]
      const offsets = reshape(
        add(matmul(yBeforeX(offsetWeight, hiddenSize), queries, { transposeB: true }), yBeforeX(offsetBias, 1)),
        [batch, numHeads, numLevels, numPoints, 2, count],
      );
      const positions = add(scales ? multiply(offsets, perLevel(scales)) : offsets, perLevel(centers));
      const logits = add(matmul(queries, weightWeight, { transposeB: true }), weightBias);
      const perHead = softmax(reshape(logits, [batch, count, numHeads, numLevels * numPoints]));
      // [B, Q, samples] -> [B, heads, levels, points, Q]
      const weights = reshape(transpose(reshape(perHead, [batch, count, samples]), [0, 2, 1]), [
        batch,
        numHeads,
        numLevels,
        numPoints,
        count,
      ]);
      return output(transpose(deformableSample(maps, positions, weights), [0, 2, 1]));
    },
  };
}

/** Offsets start on rings: every head in its own direction, every point one pixel further out. */
function ringOffsets({ numHeads, numLevels, numPoints }: DeformableAttentionOptions): Float32Array {
  const offsets = new Float32Array(numHeads * numLevels * numPoints * 2);
  for (let at = 0; at < offsets.length; at += 2) {
    const point = (at / 2) % numPoints;
    const angle = (2 * Math.PI * Math.floor(at / 2 / numPoints / numLevels)) / numHeads;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    const reach = (point + 1) / Math.max(Math.abs(x), Math.abs(y));
    offsets[at] = x * reach;
    offsets[at + 1] = y * reach;
  }
  return offsets;
}

/** Height and width of the valid part of every level in pixels: [B, levels, 2, 1]. */
function validExtents({ validRatios, grids }: Pick<FeatureSequence, 'validRatios' | 'grids'>): Tensor {
  const sizes = grids.flatMap(({ height, width }) => [height, width]);
  const extents = multiply(validRatios, constant('float32', [1, grids.length, 2], sizes));
  return reshape(extents, [...extents.shape, 1]);
}

/** Every token looks around its own place, on all levels. */
export function tokenFrame(sequence: Pick<FeatureSequence, 'validRatios' | 'grids'>): SamplingFrame {
  const { grids, validRatios } = sequence;
  return { centers: subtract(multiply(tokenCenters(grids, validRatios), validExtents(sequence)), 0.5) };
}

/** Queries look around their boxes; offsets count in half box sizes, shared among the points. */
export function boxFrame(
  boxesCxcywhNormalized: Tensor,
  sequence: Pick<FeatureSequence, 'validRatios' | 'grids'>,
  numPoints: number,
): SamplingFrame {
  const extents = validExtents(sequence);
  const [batch, count] = boxesCxcywhNormalized.shape;
  const [x, y, width, height] = split(boxesCxcywhNormalized, { axis: 2, lengths: [1, 1, 1, 1] });
  const perQuery = (down: Tensor, right: Tensor) =>
    reshape(transpose(concat([down, right], 2), [0, 2, 1]), [batch, 1, 2, count]);
  return {
    centers: subtract(multiply(perQuery(y, x), extents), 0.5),
    scales: multiply(multiply(perQuery(height, width), extents), 0.5 / numPoints),
  };
}

/** [B, 1, 2, S]: the middle of every token as a fraction of the valid part of its own level. */
function tokenCenters(grids: readonly Grid[], validRatios: Tensor): Tensor {
  const [batch] = validRatios.shape;
  const centers = grids.map(({ height, width }, level) => {
    const size = height * width;
    const middle = Array.from({ length: 2 * size }, (_, i) =>
      i < size ? (Math.floor(i / width) + 0.5) / height : (((i - size) % width) + 0.5) / width,
    );
    const ratios = reshape(slice(validRatios, { axis: 1, start: level, end: level + 1 }), [batch, 1, 2, 1]);
    return divide(constant('float32', [1, 1, 2, size], middle), ratios);
  });
  return concat(centers, 3);
}
