/** What a NanoDet-g is made of (RangiLyu/nanodet, `nanodet-g.yml`). */

import { z } from 'zod';

const count = z.int().positive();

/** The fields of `NanoDetSizes` in a configuration file, but for how many names there are. */
export const nanoDetSizesShape = {
  stemChannels: count.multipleOf(2),
  stageBlocks: z.array(count).min(3).readonly(),
  neckChannels: count,
  maxDistance: count,
  negativeSlope: z.number(),
} as const;

export interface NanoDetSizes {
  readonly stemChannels: number;
  /**
   * Residual blocks of every stage behind the stem; the first keeps the size of the map, every further one halves it.
   */
  readonly stageBlocks: readonly number[];
  /** Channels of the maps that the heads see. */
  readonly neckChannels: number;
  /** Distances from a place to the sides of its box are means over 0, 1 ... this many strides. */
  readonly maxDistance: number;
  /** Slope of the leaky ReLUs below zero. */
  readonly negativeSlope: number;
  /** How many things it can name. */
  readonly categoryCount: number;
}

/** How many of the last stages of the backbone become levels: strides 8, 16 and 32 of four stages. */
export const levelCount = 3;

/** Strides of the levels against the image, finest first. The stem makes a quarter of it. */
export const levelStrides = ({ stageBlocks }: Pick<NanoDetSizes, 'stageBlocks'>): number[] =>
  stageBlocks.map((_, stage) => 4 * 2 ** stage).slice(-levelCount);
