/**
 * Predictions of one image to its boxes: sigmoid, threshold, clipping, suppression of doubles, the best of the rest.
 *
 * Agrees with `postprocess` and `filter` of the official `inference_wrapper.py`, except that boxes stay floats and are
 * clipped to the image, scores are not rounded, and an image without boxes is a result like any other.
 */

import { clipBoxes, cxcywhToXyxy, denormalizeBoxes } from '../boxes/convert.ts';
import { nms } from '../boxes/nms.ts';
import { ChatRexError } from '../errors.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { Granularity } from './network.ts';

export interface FilterOptions {
  /** Least score of a box, 0..1; the network's own by default, .3 where it has none. */
  readonly minScore?: number;
  /**
   * Of two boxes that overlap by more than this (IoU, 0..1) the one with the lower score goes; 1 keeps all. The
   * network's own by default, .8 where it has none.
   */
  readonly nmsIou?: number;
  /** Most boxes per image; the best are kept. */
  readonly maxBoxes?: number;
}

export const defaultFilter: Required<FilterOptions> = { minScore: 0.3, nmsIou: 0.8, maxBoxes: 100 };

/** What was found in one image, best first. */
export interface Proposals extends ImageSize {
  /** [N, 4] in pixels of the original image, inside it. */
  readonly boxesXyxy: Float32Array;
  /** [N], 0..1. */
  readonly scores: Float32Array;
  /** [N]: which prompt found each box. */
  readonly granularities: readonly Granularity[];
  /** [N]: what each box most likely holds; missing where the network names nothing. */
  readonly categories?: readonly string[];
  /** [N], 0..1: how likely a box is right and named rightly, where there are names. */
  readonly categoryScores?: Float32Array;
}

/** The queries of one image for one prompt. */
export interface PromptPredictions {
  readonly granularity: Granularity;
  /** [Q] before the sigmoid. */
  readonly logits: Float32Array;
  /** [Q, 4], fractions of the image. */
  readonly boxesCxcywhNormalized: Float32Array;
}

/** Boxes of all prompts together: one object found by both is kept once, with the better score and its prompt. */
export function filterPredictions(
  prompts: readonly PromptPredictions[],
  { width, height }: ImageSize,
  { minScore, nmsIou, maxBoxes }: Required<FilterOptions>,
): Proposals {
  const boxes: number[] = [];
  const scores: number[] = [];
  const origins: Granularity[] = [];
  for (const { granularity, logits, boxesCxcywhNormalized } of prompts) {
    const boxesXyxy = denormalizeBoxes(cxcywhToXyxy(boxesCxcywhNormalized), width, height);
    const clipped = clipBoxes(boxesXyxy, width, height);
    logits.forEach((logit, i) => {
      const score = 1 / (1 + Math.exp(-logit));
      const [left, top, right, bottom] = clipped.subarray(4 * i, 4 * i + 4);
      if (!(score >= minScore) || !(right > left && bottom > top)) return;
      boxes.push(left, top, right, bottom);
      scores.push(score);
      origins.push(granularity);
    });
  }
  const kept = Array.from(nms(Float32Array.from(boxes), scores, nmsIou)).slice(0, maxBoxes);
  return {
    width,
    height,
    boxesXyxy: Float32Array.from(kept.flatMap((i) => boxes.slice(4 * i, 4 * i + 4))),
    scores: Float32Array.from(kept, (i) => scores[i]),
    granularities: kept.map((i) => origins[i]),
  };
}

/** The options with their defaults. @throws ChatRexError 'invalid-argument' naming the one that is out of range */
export function completeFilter(options: FilterOptions): Required<FilterOptions> {
  const {
    minScore = defaultFilter.minScore,
    nmsIou = defaultFilter.nmsIou,
    maxBoxes = defaultFilter.maxBoxes,
  } = options;
  const require = (name: string, value: number, isRight: boolean, expected: string) => {
    if (typeof value !== 'number' || !isRight) {
      throw new ChatRexError('invalid-argument', `${name} must be ${expected}, not ${value}`);
    }
  };
  require('minScore', minScore, minScore >= 0 && minScore <= 1, 'between 0 and 1');
  require('nmsIou', nmsIou, nmsIou >= 0 && nmsIou <= 1, 'between 0 and 1');
  require('maxBoxes', maxBoxes, Number.isInteger(maxBoxes) && maxBoxes >= 0, 'a whole number of at least 0');
  return { minScore, nmsIou, maxBoxes };
}
