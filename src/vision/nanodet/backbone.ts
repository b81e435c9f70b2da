/**
 * The backbone of NanoDet-g: a stem and stages in which a part of the channels passes by the residual blocks (Wang et
 * al., "CSPNet"). Agrees with `CustomCspNet` of RangiLyu/nanodet, whose names its parameters keep, except that batch
 * norms are folded into the convolutions before them.
 */

import { conv } from '../../nn/conv.ts';
import type { Scope } from '../../nn/scope.ts';
import { concat } from '../../tensor/ops/concat.ts';
import { leakyRelu } from '../../tensor/ops/leaky-relu.ts';
import { maxPool } from '../../tensor/ops/max-pool.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { levelCount, type NanoDetSizes } from './sizes.ts';

/** Channels that every stage is given; it returns twice as many. */
const stageChannels = ({ stemChannels, stageBlocks }: NanoDetSizes): number[] =>
  stageBlocks.map((_, stage) => stemChannels * 2 ** stage);

/** Channels of the maps of the backbone, finest first. */
export const backboneChannels = (config: NanoDetSizes): number[] =>
  stageChannels(config)
    .slice(-levelCount)
    .map((channels) => 2 * channels);

/** Images [B, 3, H, W], normalised, H and W multiples of 32 -> maps [B, C, h, w] at strides 8, 16 and 32. */
export function cspBackbone(scope: Scope, config: NanoDetSizes): (images: Tensor) => Tensor[] {
  const { negativeSlope: slope, stemChannels } = config;
  const stages = scope.at('stages');
  const stem = activatedConv(stages.at(0), { inChannels: 3, outChannels: stemChannels, stride: 2, slope });
  // The official list counts the pooling behind the stem as its second stage.
  const blocks = stageChannels(config).map((channels, stage) =>
    cspStage(stages.at(stage + 2), channels, { count: config.stageBlocks[stage], stride: stage === 0 ? 1 : 2, slope }),
  );
  return (images) => {
    let x = maxPool(stem(images), { kernel: 3, stride: 2, padding: 1 });
    const maps = blocks.map((run) => {
      x = run(x);
      return x;
    });
    return maps.slice(-levelCount);
  };
}

interface StageOptions {
  readonly count: number;
  readonly stride: 1 | 2;
  readonly slope: number;
}

/** [B, C, h, w] -> [B, 2C, h / stride, w / stride]: what the blocks make of the map, beside the map. */
function cspStage(scope: Scope, channels: number, { count, stride, slope }: StageOptions): (x: Tensor) => Tensor {
  const same = { inChannels: channels, outChannels: channels, slope };
  const enter = activatedConv(scope.at('in_conv'), { ...same, stride });
  const residual = Array.from({ length: count }, (_, i) =>
    residualBlock(scope.at('res_blocks').at(i), channels, slope),
  );
  const leave = activatedConv(scope.at('res_out_conv'), same);
  return (x) => {
    const entered = enter(x);
    return concat([leave(residual.reduce((value, run) => run(value), entered)), entered], 1);
  };
}

/** Two convolutions at half the channels, both of which are kept. */
function residualBlock(scope: Scope, channels: number, slope: number): (x: Tensor) => Tensor {
  const half = channels / 2;
  const first = activatedConv(scope.at('in_conv'), { inChannels: channels, outChannels: half, slope });
  const second = activatedConv(scope.at('mid_conv'), { inChannels: half, outChannels: half, slope });
  return (x) => {
    const once = first(x);
    return concat([second(once), once], 1);
  };
}

/** A convolution of 3 x 3, its bias, and the activation. */
export function activatedConv(
  scope: Scope,
  options: { inChannels: number; outChannels: number; stride?: number; slope: number },
): (x: Tensor) => Tensor {
  const { slope, ...sizes } = options;
  const apply = conv(scope.at('conv'), { ...sizes, kernel: 3, padding: 1 });
  return (x) => leakyRelu(apply(x), slope);
}
