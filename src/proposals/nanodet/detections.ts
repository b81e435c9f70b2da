/** Scores and boxes of every place of one or two scales to the boxes of an image. */

import { clipBoxes } from '../../boxes/convert.ts';
import { nms } from '../../boxes/nms.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import type { FilterOptions, Proposals } from '../post-process.ts';
import type { Logistic, NanoDetConfig, NanoDetScale } from './config.ts';

/** All places of one image at one scale. */
export interface ScalePredictions {
  readonly scale: NanoDetScale;
  /** [N, categories] before the sigmoid. */
  readonly logits: Float32Array;
  /** [N, 4] in pixels of the square that the network saw. */
  readonly boxesXyxy: Float32Array;
}

/** A box that one place proposes, in pixels of the image. */
export interface Detection {
  readonly boxXyxy: readonly [number, number, number, number];
  /** The highest score of the place, before the sigmoid. */
  readonly logit: number;
  /** Index of the category that has it. */
  readonly category: number;
  readonly scale: NanoDetScale;
}

/** Of more than these places of a scale none is among the hundred best boxes; it bounds the time of suppression. */
const mostPlaces = 1000;

/** Reads a score as a probability. */
export const probability = ({ slope, offset }: Logistic, logit: number): number =>
  1 / (1 + Math.exp(-(slope * logit + offset)));

/** The boxes of a scale with a score that may count, best first; those larger than the scale's own are left out. */
export function detectionsOf(
  { scale, logits, boxesXyxy }: ScalePredictions,
  { width, height }: ImageSize,
  { categories }: NanoDetConfig,
  minScore: number,
): Detection[] {
  const found: Detection[] = [];
  const [right, down] = [width / scale.side, height / scale.side];
  for (let place = 0; 4 * place < boxesXyxy.length; place++) {
    let category = 0;
    const start = place * categories.length;
    for (let i = 1; i < categories.length; i++) if (logits[start + i] > logits[start + category]) category = i;
    const logit = logits[start + category];
    if (!(probability(scale.calibration.object, logit) >= minScore)) continue;
    const [x1, y1, x2, y2] = clipBoxes(boxesXyxy.subarray(4 * place, 4 * place + 4), scale.side, scale.side);
    if (!(x2 > x1 && y2 > y1) || (x2 - x1) * (y2 - y1) > scale.largestBox * scale.side ** 2) continue;
    found.push({ boxXyxy: [x1 * right, y1 * down, x2 * right, y2 * down], logit, category, scale });
  }
  return found.sort((a, b) => b.logit - a.logit).slice(0, mostPlaces);
}

/**
 * One box per object: of boxes of all scales that overlap, the one that is likeliest an object, moved to the mean of
 * those around it. Best first.
 */
export function keptDetections(
  detections: readonly Detection[],
  { nmsIou, maxBoxes }: Pick<Required<FilterOptions>, 'nmsIou' | 'maxBoxes'>,
): Detection[] {
  const boxes = Float32Array.from(detections.flatMap(({ boxXyxy }) => boxXyxy));
  const scores = detections.map(({ logit, scale }) => probability(scale.calibration.object, logit));
  const kept = Array.from(nms(boxes, scores, nmsIou)).slice(0, maxBoxes);
  return kept.map((i) => ({ ...detections[i], boxXyxy: votedBox(i, boxes, scores) }));
}

/** Boxes with a lower IoU have no say in where a box lies. */
const leastVoteIou = 0.65;
/** How fast the say falls with the overlap: the variance of "variance voting" (He et al., 2019). */
const voteVariance = 0.025;

/** The mean of a box and of those that lie nearly where it lies, by their scores and overlaps. */
function votedBox(index: number, boxes: Float32Array, scores: readonly number[]): Detection['boxXyxy'] {
  const [left, top, right, bottom] = boxes.subarray(4 * index, 4 * index + 4);
  const mean = [0, 0, 0, 0];
  let total = 0;
  for (let other = 0; other < scores.length; other++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * other, 4 * other + 4);
    const across = Math.min(right, x2) - Math.max(left, x1);
    const down = Math.min(bottom, y2) - Math.max(top, y1);
    if (across <= 0 || down <= 0) continue;
    const both = across * down;
    const iou = both / ((right - left) * (bottom - top) + (x2 - x1) * (y2 - y1) - both);
    if (iou < leastVoteIou) continue;
    const say = scores[other] * Math.exp(-((1 - iou) ** 2) / voteVariance);
    total += say;
    [x1, y1, x2, y2].forEach((value, side) => {
      mean[side] += say * value;
    });
  }
  return mean.map((sum) => sum / total) as unknown as Detection['boxXyxy'];
}

/** What an image's detections come to. */
export function proposalsOf(
  detections: readonly Detection[],
  { width, height }: ImageSize,
  { categories }: NanoDetConfig,
  filter: Required<FilterOptions>,
): Proposals {
  const kept = keptDetections(detections, filter);
  const probabilities = (kind: 'object' | 'category') =>
    Float32Array.from(kept, ({ logit, scale }) => probability(scale.calibration[kind], logit));
  return {
    width,
    height,
    boxesXyxy: Float32Array.from(kept.flatMap(({ boxXyxy }) => boxXyxy)),
    scores: probabilities('object'),
    granularities: kept.map(() => 'coarse'),
    categories: kept.map(({ category }) => categories[category]),
    categoryScores: probabilities('category'),
  };
}
