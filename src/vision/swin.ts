/**
 * Swin Transformer, the backbone of UPN (Liu et al., 2021).
 *
 * Agrees with `upn/models/backbone/swin.py` of the official code, parameter names included. Feature maps stay as rows
 * of tokens; a window partition with its padding and its cyclic shift is one gather of rows by a table known in
 * advance.
 */

import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { inStretches } from '../nn/stretches.ts';
import { add } from '../tensor/ops/add.ts';
import { conv } from '../tensor/ops/conv.ts';
import { gelu } from '../tensor/ops/gelu.ts';
import { pad } from '../tensor/ops/pad.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Grid, type WindowLayout, windowAttention, windowLayout } from './window-attention.ts';

/** Hierarchical windowed transformer (Liu et al., 2021). */
export interface SwinConfig {
  readonly kind: 'swin';
  /** Channels of the first stage; every further stage has twice as many. */
  readonly embedDim: number;
  readonly depths: readonly number[];
  readonly numHeads: readonly number[];
  readonly windowSize: number;
}

const patchSize = 4;
const mlpRatio = 4;
/** Standard deviation of the normal start of every matrix. */
const deviation = 0.02;

/** @param stages which stages are returned */
export function swin(scope: Scope, config: SwinConfig, stages: readonly number[]): (images: Tensor) => Tensor[] {
  const { embedDim, depths } = config;
  const channels = depths.map((_, stage) => embedDim * 2 ** stage);
  const embed = patchEmbedding(scope.at('patch_embed'), embedDim);
  const layers = depths.map((depth, stage) => {
    const at = scope.at(`layers.${stage}`);
    const options = { numHeads: config.numHeads[stage], windowSize: config.windowSize };
    return {
      options,
      blocks: Array.from({ length: depth }, (_, i) => swinBlock(at.at(`blocks.${i}`), channels[stage], options)),
      norm: stages.includes(stage) ? layerNorm(scope.at(`norm${stage}`), channels[stage]) : undefined,
      merge: stage + 1 < depths.length ? patchMerging(at.at('downsample'), channels[stage]) : undefined,
    };
  });
  return (images) => {
    const maps: Tensor[] = [];
    let { tokens, grid } = embed(images);
    layers.forEach(({ blocks, options, norm, merge }, stage) => {
      // Every other block shifts its windows by half, so that neighbours meet.
      const shifts = [0, Math.floor(config.windowSize / 2)];
      // With a symbolic batch nothing is done in stretches, see `inStretches`.
      const isInTurn = typeof images.shape[0] === 'number';
      const layouts = shifts
        .slice(0, blocks.length)
        .map((shift) => windowLayout(grid, { ...options, shift }, isInTurn));
      for (const [i, block] of blocks.entries()) tokens = block(tokens, layouts[i % 2]);
      if (norm) maps.push(tokensToMap(norm(tokens), channels[stage], grid));
      if (merge) ({ tokens, grid } = merge(tokens, grid));
    });
    return maps;
  };
}

/** [B, H*W, C] -> [B, C, H, W] */
const tokensToMap = (tokens: Tensor, channels: number, { height, width }: Grid): Tensor =>
  reshape(transpose(tokens, [0, 2, 1]), [tokens.shape[0], channels, height, width]);

interface GridTokens {
  /** [B, height*width, C] */
  readonly tokens: Tensor;
  readonly grid: Grid;
}

function patchEmbedding(scope: Scope, channels: number): (images: Tensor) => GridTokens {
  const bound = 1 / Math.sqrt(3 * patchSize * patchSize);
  const weight = scope.parameter('proj.weight', [channels, 3, patchSize, patchSize], { kind: 'uniform', bound });
  const bias = scope.parameter('proj.bias', [channels], { kind: 'uniform', bound });
  const norm = layerNorm(scope.at('norm'), channels);
  return (images) => {
    const [height, width] = images.shape.slice(2) as number[];
    const grid = { height: Math.ceil(height / patchSize), width: Math.ceil(width / patchSize) };
    const pads = [0, 0, grid.height * patchSize - height, grid.width * patchSize - width] as const;
    const map = conv(images, weight, bias, { strides: [patchSize, patchSize], pads });
    const tokens = transpose(reshape(map, [images.shape[0], channels, grid.height * grid.width]), [0, 2, 1]);
    return { tokens: norm(tokens), grid };
  };
}

/** Four neighbours become one token of twice the channels. */
function patchMerging(scope: Scope, channels: number): (tokens: Tensor, grid: Grid) => GridTokens {
  const norm = layerNorm(scope.at('norm'), 4 * channels);
  const reduction = linear(scope.at('reduction'), 4 * channels, 2 * channels, { hasBias: false, deviation });
  return (tokens, grid) => {
    const half = { height: Math.ceil(grid.height / 2), width: Math.ceil(grid.width / 2) };
    let map = reshape(tokens, [tokens.shape[0], grid.height, grid.width, channels]);
    map = pad(map, { axis: 1, before: 0, after: half.height * 2 - grid.height });
    map = pad(map, { axis: 2, before: 0, after: half.width * 2 - grid.width });
    // [B, H/2, row, W/2, column, C] -> [B, H/2, W/2, column, row, C]: the official order of the four is column by
    // column
    const split = reshape(map, [tokens.shape[0], half.height, 2, half.width, 2, channels]);
    const merged = reshape(transpose(split, [0, 1, 3, 4, 2, 5]), [
      tokens.shape[0],
      half.height * half.width,
      4 * channels,
    ]);
    return { tokens: reduction(norm(merged)), grid: half };
  };
}

function swinBlock(
  scope: Scope,
  channels: number,
  options: { readonly numHeads: number; readonly windowSize: number },
): (x: Tensor, layout: WindowLayout) => Tensor {
  const norm1 = layerNorm(scope.at('norm1'), channels);
  const attention = windowAttention(scope.at('attn'), channels, options);
  const norm2 = layerNorm(scope.at('norm2'), channels);
  const up = linear(scope.at('mlp.fc1'), channels, mlpRatio * channels, { deviation });
  const down = linear(scope.at('mlp.fc2'), mlpRatio * channels, channels, { deviation });
  return (x, layout) => {
    const { seen, projection } = attention(norm1(x), layout);
    return inStretches([x, seen], mlpRatio * channels, (before, added) => {
      const attended = add(before, projection(added));
      return add(attended, down(gelu(up(norm2(attended)))));
    });
  };
}
