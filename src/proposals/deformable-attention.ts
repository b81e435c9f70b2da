/**
 * Multi-scale deformable attention (Zhu et al., 2021): every head of a query looks at a few places of every level.
 *
 * Agrees with `MSDeformAttn` of the official code, parameter names included. Whatever is sampled or samples is kept
 * channels first, [B, channels, places], which is the layout that sampling wants.
 */

import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { mostPerStretch } from '../nn/stretches.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { deformableSample, queriesAtOnce } from '../tensor/ops/deformable-sample.ts';
import { divide } from '../tensor/ops/divide.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import type { Initializer } from '../tensor/ops/parameter.ts';
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
  project(tokens: Tensor, sequence: Pick<FeatureSequence, 'valid' | 'hasPadding' | 'grids'>): Tensor[];
  /** Queries [B, Q, C] -> what they see [B, Q, C]. */
  attend(queries: Tensor, maps: readonly Tensor[], frame: SamplingFrame): Tensor;
}

export function deformableAttention(scope: Scope, options: DeformableAttentionOptions): DeformableAttention {
  const { hiddenSize, numHeads, numLevels, numPoints } = options;
  const samples = numHeads * numLevels * numPoints;
  const rings = { kind: 'values', values: () => ringOffsets(options) } as const;
  const offset = projection(scope.at('sampling_offsets'), [samples * 2, hiddenSize], { bias: rings });
  const weight = projection(scope.at('attention_weights'), [samples, hiddenSize]);
  const xavier = { kind: 'uniform', bound: Math.sqrt(3 / hiddenSize) } as const;
  const value = projection(scope.at('value_proj'), [hiddenSize, hiddenSize], { weight: xavier });
  const output = linear(scope.at('output_proj'), hiddenSize, hiddenSize);

  return {
    project: (tokens, { valid, hasPadding, grids }) => {
      const [batch, length] = tokens.shape;
      const lengths = grids.map(({ height, width }) => height * width);
      const planesOf = (x: Tensor, isValid: Tensor) => {
        const planes = value.columns(x);
        return hasPadding ? multiply(planes, reshape(isValid, [batch, 1, x.shape[1]])) : planes;
      };
      const isLarge = typeof batch === 'number' && batch * (length as number) * hiddenSize > mostPerStretch;
      // The planes of all levels at once, and each level's copy of them, would be the largest tensors of all.
      const maps = isLarge
        ? levelsInStretches([tokens, valid], lengths, planesOf)
        : split(planesOf(tokens, valid), { axis: 2, lengths });
      return maps.map((map, level) => reshape(map, [batch, hiddenSize, grids[level].height, grids[level].width]));
    },
    attend: (queries, maps, { centers, scales }) => {
      const [batch, count] = queries.shape;
      const perLevel = (x: Tensor) => reshape(x, [x.shape[0], 1, numLevels, 1, 2, x.shape[3]]);
      // [B, heads, levels, points, 2, Q]
      const offsets = reshape(offset.columns(queries, true), [batch, numHeads, numLevels, numPoints, 2, count]);
      const positions = add(scales ? multiply(offsets, perLevel(scales)) : offsets, perLevel(centers));
      const perHead = softmax(reshape(weight.rows(queries), [batch, count, numHeads, numLevels * numPoints]));
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

/** Lengths of stretches of tokens that are dealt with one after the other. */
export const queryStretches = (tokens: number): number[] =>
  Array.from({ length: Math.ceil(tokens / queriesAtOnce) }, (_, i) =>
    Math.min(queriesAtOnce, tokens - i * queriesAtOnce),
  );

/**
 * A function of tokens, applied to stretches that each lie in one level, and its results [B, C, places] level by level.
 * Stretches are as long as those of queries: ONNX Runtime keeps memory for every shape of tensor that it will see
 * again.
 */
function levelsInStretches(
  inputs: readonly Tensor[],
  lengths: readonly number[],
  map: (...inputs: Tensor[]) => Tensor,
): Tensor[] {
  const ofLevels = lengths.map(queryStretches);
  const stretches = inputs.map((input) => split(input, { axis: 1, lengths: ofLevels.flat(), inTurn: true }));
  const results = ofLevels.flat().map((_, i) => map(...stretches.map((parts) => parts[i])));
  return ofLevels.map((own) => {
    const parts = results.splice(0, own.length);
    return parts.length === 1 ? parts[0] : concat(parts, 2);
  });
}

interface Projection {
  /** [B, L, C] -> [B, L, outputs] */
  rows(x: Tensor): Tensor;
  /** [B, L, C] -> [B, outputs, L]; on demand with every pair of outputs, x before y as checkpoints have it, swapped. */
  columns(x: Tensor, swapsPairs?: boolean): Tensor;
}

/**
 * A linear layer whose outputs may be wanted as planes. Float weights are multiplied from the left for that; int8
 * products know one order, so their outputs are turned.
 */
function projection(
  scope: Scope,
  [outputs, inputs]: readonly [number, number],
  starts: { readonly weight?: Initializer; readonly bias?: Initializer } = {},
): Projection {
  const swapped = (planes: Tensor, axis: number): Tensor => {
    const before = planes.shape.slice(0, axis);
    const after = planes.shape.slice(axis + 1);
    const pairs = reshape(planes, [...before, outputs / 2, 2, ...after]);
    return reshape(slice(pairs, { axis: axis + 1, step: -1 }), planes.shape);
  };
  if (scope.linearFormat !== 'float') {
    const rows = linear(scope, inputs, outputs);
    return {
      rows,
      columns: (x, swapsPairs) => {
        const planes = transpose(rows(x), [0, 2, 1]);
        return swapsPairs ? swapped(planes, 1) : planes;
      },
    };
  }
  const weight = scope.parameter('weight', [outputs, inputs], starts.weight);
  const bias = scope.parameter('bias', [outputs], starts.bias);
  return {
    rows: (x) => add(matmul(x, weight, { transposeB: true }), bias),
    columns: (x, swapsPairs) => {
      const [left, start] = swapsPairs ? [swapped(weight, 0), swapped(bias, 0)] : [weight, bias];
      return add(matmul(left, x, { transposeB: true }), reshape(start, [outputs, 1]));
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
