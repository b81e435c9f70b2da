/**
 * Feature maps of all levels as one sequence of tokens, with their positions, padding and valid parts.
 *
 * Agrees with `forward_backbone_encoder` of the official `upn_model.py`.
 */

import { groupNorm } from '../nn/group-norm.ts';
import type { Scope } from '../nn/scope.ts';
import type { Dim } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { cast } from '../tensor/ops/cast.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant, filled } from '../tensor/ops/constant.ts';
import { conv } from '../tensor/ops/conv.ts';
import type { ConvOptions } from '../tensor/ops/convolution.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gather } from '../tensor/ops/gather.ts';
import { not } from '../tensor/ops/not.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Grid } from '../vision/window-attention.ts';
import { backboneChannels, type UpnConfig } from './config.ts';
import { gridEmbedding } from './sine-embedding.ts';

/** Groups of the normalisation after every projection. */
const normGroups = 32;

export interface FeatureSequence {
  /** [B, S, C], level after level, rows of every level in reading order. */
  readonly tokens: Tensor;
  /** [B, S, C]: sine position plus the embedding of the level. */
  readonly positions: Tensor;
  /** float [B, S], 1 where there is image, 0 in padding. */
  readonly valid: Tensor;
  /** Whether there can be padding at all. */
  readonly hasPadding: boolean;
  /** [B, levels, 2]: valid height and width as fractions of each map. */
  readonly validRatios: Tensor;
  readonly grids: readonly Grid[];
}

/**
 * @returns a function of the backbone's maps and of the padding mask of the images (bool [B, H, W], true in padding;
 *   null when there is none)
 */
export function featureLevels(
  scope: Scope,
  config: UpnConfig,
): (maps: readonly Tensor[], padding: Tensor | null) => FeatureSequence {
  const { hiddenSize, numLevels } = config;
  const channels = config.backboneStages.map((stage) => backboneChannels(config.backbone)[stage]);
  const projections = Array.from({ length: numLevels }, (_, level) =>
    level < channels.length
      ? projection(scope.at(`input_proj.${level}`), channels[level], hiddenSize, 1)
      : projection(
          scope.at(`input_proj.${level}`),
          level === channels.length ? channels[level - 1] : hiddenSize,
          hiddenSize,
          3,
        ),
  );
  const levelEmbed = scope.parameter('transformer.level_embed', [numLevels, hiddenSize], {
    kind: 'normal',
    deviation: 1,
  });
  return (maps, padding) => {
    const projected: Tensor[] = [];
    for (const [level, project] of projections.entries()) {
      // The first level beyond the backbone's is made from the backbone's last map, further ones from the level before.
      projected.push(
        project(level < maps.length ? maps[level] : level === maps.length ? maps[level - 1] : projected[level - 1]),
      );
    }
    const levels = projected.map((map, level) => {
      const [batch, , height, width] = map.shape as [Dim, number, number, number];
      const valid = validPart(padding, { height, width }, batch);
      const embedding = slice(levelEmbed, { axis: 0, start: level, end: level + 1 });
      return {
        tokens: transpose(reshape(map, [batch, hiddenSize, height * width]), [0, 2, 1]),
        positions: add(gridEmbedding(valid, hiddenSize, padding !== null), embedding),
        valid: reshape(valid, [batch, height * width]),
        validRatios: validRatio(valid),
        grid: { height, width },
      };
    });
    return {
      tokens: concat(
        levels.map(({ tokens }) => tokens),
        1,
      ),
      positions: concat(
        levels.map(({ positions }) => positions),
        1,
      ),
      valid: concat(
        levels.map(({ valid }) => valid),
        1,
      ),
      validRatios: concat(
        levels.map(({ validRatios }) => validRatios),
        1,
      ),
      hasPadding: padding !== null,
      grids: levels.map(({ grid }) => grid),
    };
  };
}

/** Convolution (1x1, or 3x3 of stride 2) and group normalisation. */
function projection(scope: Scope, inputs: number, outputs: number, kernel: 1 | 3): (map: Tensor) => Tensor {
  // Xavier's uniform start, no bias
  const bound = Math.sqrt(6 / ((inputs + outputs) * kernel * kernel));
  const weight = scope.parameter('0.weight', [outputs, inputs, kernel, kernel], { kind: 'uniform', bound });
  const bias = scope.parameter('0.bias', [outputs], { kind: 'zeros' });
  const norm = groupNorm(scope.at('1'), outputs, { groups: normGroups });
  const options: ConvOptions = kernel === 1 ? {} : { strides: [2, 2], pads: [1, 1, 1, 1] };
  return (map) => norm(conv(map, weight, bias, options));
}

/** float [B, h, w]: the mask at the size of a map by nearest neighbours, as `interpolate` does it. */
function validPart(padding: Tensor | null, { height, width }: Grid, batch: Dim): Tensor {
  if (padding === null) return expand(filled('float32', [1, height, width], 1), [batch, height, width]);
  const [, fullHeight, fullWidth] = padding.shape as [Dim, number, number];
  const rows = gather(padding, nearest(fullHeight, height), { axis: 1 });
  return cast(not(gather(rows, nearest(fullWidth, width), { axis: 2 })), 'float32');
}

/** For every place of a shorter axis the place of the longer one that it shows; computed in float32 as PyTorch does. */
function nearest(from: number, to: number): Tensor {
  const scale = Math.fround(from / to);
  const places = Array.from({ length: to }, (_, i) => Math.min(Math.floor(Math.fround(i * scale)), from - 1));
  return constant('int64', [to], places);
}

/** [B, 1, 2]: how much of the first column and of the first row is image. */
function validRatio(valid: Tensor): Tensor {
  const ratios = [1, 2].map((axis) => {
    const line = slice(valid, { axis: 3 - axis, start: 0, end: 1 });
    return reshape(reduceMean(line, { axes: [1, 2] }), [valid.shape[0], 1, 1]);
  });
  return concat(ratios, 2);
}
