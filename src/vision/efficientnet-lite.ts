/**
 * EfficientNet-Lite (Google, "EfficientNet-Lite", after Tan and Le 2019): inverted bottlenecks with depthwise
 * convolutions and ReLU6, without squeeze and excitation. Up to its last map; the classifier on top is left out.
 *
 * Parameter names are those of `efficientnet_lite_pytorch`, except that batch norms are folded into the convolutions
 * before them, which have a bias for it. Agrees with its `extract_features`.
 */

import { z } from 'zod';
import { conv } from '../nn/conv.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { clip } from '../tensor/ops/clip.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

const positive = z.number().positive();

export const efficientNetLiteSchema = z.object({
  kind: z.literal('efficientnet-lite'),
  /** What the channels of every stage are multiplied by, and how many times as many blocks a stage has. */
  width: positive,
  depth: positive,
  /** Side of the image in pixels, a multiple of 32. */
  imageSize: z.int().positive().multipleOf(32),
});

export type EfficientNetLiteConfig = z.output<typeof efficientNetLiteSchema>;

/** Width and depth as published. It learned at 260 pixels; the nearest side that 32 divides is given here. */
export const efficientNetLitePresets = {
  'efficientnet-lite2': { kind: 'efficientnet-lite', width: 1.1, depth: 1.2, imageSize: 256 },
} as const satisfies Record<string, EfficientNetLiteConfig>;

const stride = 32;
const stemChannels = 32;
/** Channels of a token. */
export const efficientNetLiteChannels = 1280;

export const efficientNetLiteTokens = ({ imageSize }: EfficientNetLiteConfig): number => (imageSize / stride) ** 2;

interface Stage {
  readonly count: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
  readonly channels: number;
}

/** Of EfficientNet-B0, from which all others are scaled. */
const stages: readonly Stage[] = [
  { count: 1, kernel: 3, stride: 1, expand: 1, channels: 16 },
  { count: 2, kernel: 3, stride: 2, expand: 6, channels: 24 },
  { count: 2, kernel: 5, stride: 2, expand: 6, channels: 40 },
  { count: 3, kernel: 3, stride: 2, expand: 6, channels: 80 },
  { count: 3, kernel: 5, stride: 1, expand: 6, channels: 112 },
  { count: 4, kernel: 5, stride: 2, expand: 6, channels: 192 },
  { count: 1, kernel: 3, stride: 1, expand: 6, channels: 320 },
];

/** To the nearest multiple of 8, but not by more than a tenth down. */
function scaledChannels(channels: number, width: number): number {
  const wished = channels * width;
  const rounded = Math.max(8, Math.floor((wished + 4) / 8) * 8);
  return rounded < 0.9 * wished ? rounded + 8 : rounded;
}

/** Images [B, 3, imageSize, imageSize], normalised -> tokens [B, (imageSize / 32)^2, 1280], row by row. */
export function efficientNetLite(scope: Scope, config: EfficientNetLiteConfig): (images: Tensor) => Tensor {
  const { width, depth, imageSize } = config;
  const stem = convolution(scope.at('_conv_stem'), { inChannels: 3, outChannels: stemChannels, kernel: 3, stride: 2 });
  const blocks: ((x: Tensor) => Tensor)[] = [];
  let channels = stemChannels;
  stages.forEach((stage, at) => {
    // "Lite" leaves the first and the last stage as many blocks as B0's.
    const isEnd = at === 0 || at === stages.length - 1;
    const outChannels = scaledChannels(stage.channels, width);
    for (let i = 0; i < (isEnd ? stage.count : Math.ceil(depth * stage.count)); i++) {
      const own = { ...stage, stride: i === 0 ? stage.stride : 1, inChannels: channels, outChannels };
      blocks.push(bottleneck(scope.at('_blocks').at(blocks.length), own));
      channels = outChannels;
    }
  });
  const head = convolution(scope.at('_conv_head'), {
    ...{ inChannels: channels, outChannels: efficientNetLiteChannels, kernel: 1 },
  });
  return (images) => {
    const map = relu6(head(blocks.reduce((x, block) => block(x), relu6(stem(images)))));
    const places = (imageSize / stride) ** 2;
    return transpose(reshape(map, [map.shape[0], efficientNetLiteChannels, places]), [0, 2, 1]);
  };
}

type Block = Omit<Stage, 'count' | 'channels'> & { readonly inChannels: number; readonly outChannels: number };

/** Wider by 1 x 1, each channel by itself, narrow again; added to what came in where the shapes are the same. */
function bottleneck(scope: Scope, { kernel, stride, expand, inChannels, outChannels }: Block): (x: Tensor) => Tensor {
  const inner = inChannels * expand;
  const widen =
    expand > 1
      ? convolution(scope.at('_expand_conv'), { inChannels, outChannels: inner, kernel: 1 })
      : (x: Tensor) => x;
  const depthwise = convolution(scope.at('_depthwise_conv'), {
    ...{ inChannels: inner, outChannels: inner, kernel, stride, groups: inner },
  });
  const narrow = convolution(scope.at('_project_conv'), { inChannels: inner, outChannels, kernel: 1 });
  return (x) => {
    const wide = expand > 1 ? relu6(widen(x)) : x;
    const result = narrow(relu6(depthwise(wide)));
    return stride === 1 && inChannels === outChannels ? add(result, x) : result;
  };
}

const relu6 = (x: Tensor) => clip(x, { min: 0, max: 6 });

/** Padded as TensorFlow's "SAME" does for even sides: the odd pixel comes after. */
function convolution(
  scope: Scope,
  options: { inChannels: number; outChannels: number; kernel: number; stride?: number; groups?: number },
): (x: Tensor) => Tensor {
  const { kernel, stride = 1 } = options;
  const all = kernel - stride;
  const before = Math.max(0, Math.floor(all / 2));
  const after = Math.max(0, all - before);
  return conv(scope, { ...options, padding: [before, before, after, after] });
}
