/**
 * NanoDet-g: a detector of COCO's 80 categories that looks once (Lyu, 2020). Every place of three maps gives scores of
 * all categories and the distances to the four sides of its box, each a mean over eleven bins (Li et al., "Generalized
 * Focal Loss").
 *
 * Agrees with `nanodet-g` of RangiLyu/nanodet, whose parameter names it keeps. Deviations: batch norms are folded into
 * convolutions, images are RGB (the first convolution's channels change places when weights are converted).
 */

import { conv } from '../../nn/conv.ts';
import { createScope, type Scope } from '../../nn/scope.ts';
import type { Dim } from '../../tensor/dimension.ts';
import { graphOf } from '../../tensor/graph.ts';
import { add } from '../../tensor/ops/add.ts';
import { input } from '../../tensor/ops/input.ts';
import type { ParameterAttributes } from '../../tensor/ops/parameter.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { resize } from '../../tensor/ops/resize.ts';
import { slice } from '../../tensor/ops/slice.ts';
import { transpose } from '../../tensor/ops/transpose.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { activatedConv, backboneChannels, cspBackbone } from './backbone.ts';
import { levelStrides, type NanoDetSizes } from './sizes.ts';

/** What the heads say of every place of one level, rows in reading order. */
export interface LevelPredictions {
  /** [B, h * w, categories] before the sigmoid. */
  readonly logits: Tensor;
  /** [B, h * w, 4 * (maxDistance + 1)]: left, top, right, bottom, each as bins before the softmax. */
  readonly distances: Tensor;
  readonly height: number;
  readonly width: number;
  readonly stride: number;
}

export interface NanoDetNetwork {
  /**
   * @param images float32 [B, 3, H, W], normalised RGB; H and W static and multiples of the largest stride
   * @returns the maps that the heads see, [B, neckChannels, h, w] each, finest first
   */
  maps(images: Tensor): Tensor[];
  predict(maps: readonly Tensor[]): LevelPredictions[];
}

/** The network with its parameters in `scope`. */
export function nanoDetNetwork(scope: Scope, config: NanoDetSizes): NanoDetNetwork {
  const backbone = cspBackbone(scope.at('backbone'), config);
  const neck = pathAggregation(scope.at('fpn'), config);
  const strides = levelStrides(config);
  const heads = strides.map((_, level) => levelHead(scope.at('head'), level, config));
  return {
    maps: (images) => neck(backbone(images)),
    predict: (maps) =>
      maps.map((map, level) => {
        const [batch, , height, width] = map.shape as [Dim, number, number, number];
        // [B, C, h, w] -> [B, h * w, C]
        const rows = transpose(reshape(heads[level](map), [batch, outputsOf(config), height * width]), [0, 2, 1]);
        const logits = slice(rows, { axis: 2, end: config.categoryCount });
        const distances = slice(rows, { axis: 2, start: config.categoryCount });
        return { logits, distances, height, width, stride: strides[level] };
      }),
  };
}

const outputsOf = ({ categoryCount, maxDistance }: NanoDetSizes): number => categoryCount + 4 * (maxDistance + 1);

/**
 * Brings all maps to the same channels, adds coarse ones to fine ones, then fine ones to coarse ones (Liu et al.,
 * "PANet").
 */
function pathAggregation(scope: Scope, config: NanoDetSizes): (maps: readonly Tensor[]) => Tensor[] {
  const { neckChannels: outChannels } = config;
  const laterals = backboneChannels(config).map((inChannels, level) =>
    conv(scope.at('lateral_convs').at(level).at('conv'), { inChannels, outChannels, kernel: 1 }),
  );
  return (maps) => {
    const levels = maps.map((map, level) => laterals[level](map));
    for (let level = levels.length - 2; level >= 0; level--) {
      levels[level] = add(levels[level], atSizeOf(levels[level + 1], levels[level]));
    }
    for (let level = 1; level < levels.length; level++) {
      levels[level] = add(levels[level], atSizeOf(levels[level - 1], levels[level]));
    }
    return levels;
  };
}

const atSizeOf = (map: Tensor, { shape: [, , height, width] }: Tensor): Tensor =>
  resize(map, { height: height as number, width: width as number, mode: 'bilinear' });

/**
 * [B, neckChannels, h, w] -> [B, categories + 4 * (maxDistance + 1), h, w]; scores and boxes share their convolution.
 */
function levelHead(scope: Scope, level: number, config: NanoDetSizes): (map: Tensor) => Tensor {
  const { neckChannels: channels, negativeSlope: slope } = config;
  const look = activatedConv(scope.at('cls_convs').at(level).at(0), {
    inChannels: channels,
    outChannels: channels,
    slope,
  });
  const say = conv(scope.at('gfl_cls').at(level), { inChannels: channels, outChannels: outputsOf(config), kernel: 1 });
  return (map) => say(look(map));
}

/** All parameters of a network; they do not depend on the size of images. */
export function nanoDetParameters(config: NanoDetSizes): ParameterAttributes[] {
  const network = nanoDetNetwork(createScope(), config);
  const side = Math.max(...levelStrides(config));
  const levels = network.predict(network.maps(input('images', 'float32', [1, 3, side, side])));
  const outputs = Object.fromEntries(levels.map(({ logits }, level) => [`level ${level}`, logits]));
  return [...graphOf(outputs).parameters.values()];
}
