/** Sizes of a UPN, and the presets (paper section 3.1 and appendix B.1; `upn_large.py` of the official code). */

import { type ConvNextConfig, convNextPresets } from '../vision/convnext.ts';
import type { SwinConfig } from '../vision/swin.ts';

/** The image encoder of the language model, so that one pre-trained backbone can serve both. */
export interface ConvNextBackboneConfig extends ConvNextConfig {
  readonly kind: 'convnext';
}

export interface UpnConfig {
  readonly backbone: SwinConfig | ConvNextBackboneConfig;
  /** Which stages of the backbone become feature levels. */
  readonly backboneStages: readonly number[];
  /** Feature levels in all; those beyond the backbone's are made by convolutions of stride 2. */
  readonly numLevels: number;
  readonly hiddenSize: number;
  readonly numHeads: number;
  /** Sampling points per head and level. */
  readonly numPoints: number;
  readonly numEncoderLayers: number;
  readonly numDecoderLayers: number;
  readonly feedForwardSize: number;
  readonly numQueries: number;
  /** Images are resized so that the shorter side has this many pixels, unless the longer would pass its own limit. */
  readonly shorterSide: number;
  readonly longerSide: number;
  /** Canvases are padded to multiples of this: what the backbone needs, and how many canvas sizes there are at all. */
  readonly canvasMultiple: number;
  /**
   * Least score of boxes where the caller does not say, for networks that are less sure of themselves than the released
   * one.
   */
  readonly minScore?: number;
}

/** Swin-L at window 12, five levels, six and six layers: 217.6 M parameters. */
const large: UpnConfig = {
  backbone: { kind: 'swin', embedDim: 192, depths: [2, 2, 18, 2], numHeads: [6, 12, 24, 48], windowSize: 12 },
  backboneStages: [0, 1, 2, 3],
  numLevels: 5,
  hiddenSize: 256,
  numHeads: 8,
  numPoints: 4,
  numEncoderLayers: 6,
  numDecoderLayers: 6,
  feedForwardSize: 2048,
  numQueries: 900,
  shorterSide: 800,
  longerSide: 1333,
  canvasMultiple: 1,
};

/** Few enough parameters and tokens that a two-core CPU trains it: levels begin at stride 8. */
const nano: UpnConfig = {
  backbone: { kind: 'convnext', ...convNextPresets['convnext-nano'] },
  backboneStages: [1, 2, 3],
  numLevels: 3,
  hiddenSize: 128,
  numHeads: 4,
  numPoints: 2,
  numEncoderLayers: 2,
  numDecoderLayers: 3,
  feedForwardSize: 384,
  numQueries: 160,
  shorterSide: 256,
  longerSide: 512,
  canvasMultiple: 32,
  minScore: 0.15,
};

export const upnPresets = { 'upn-large': large, 'upn-nano': nano } as const satisfies Record<string, UpnConfig>;

export type UpnPreset = keyof typeof upnPresets;

/** Channels of every stage of the backbone. */
export function backboneChannels(config: UpnConfig['backbone']): number[] {
  if (config.kind === 'swin') return config.depths.map((_, stage) => config.embedDim * 2 ** stage);
  return [...config.dims];
}
