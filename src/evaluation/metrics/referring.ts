/**
 * Referring expressions: accuracy of the first box at IoU .5, as RefCOCO is scored (Yu et al. 2016; paper section 5),
 * and for phrases that mean several objects precision and recall per phrase, then averaged, as HumanRef is scored
 * (RexSeek, arXiv 2503.08507). Deviation from HumanRef: boxes are paired by overlap (`matchBoxes`), not in the order of
 * the truths.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { iou } from '../../boxes/overlap.ts';
import { FOUND_IOU, flatten, matchBoxes } from './match-boxes.ts';

/** One phrase about one image. */
export interface ReferringAnswer {
  /** The objects meant; none for a phrase about something absent. */
  truthsXyxy: readonly BoxXyxy[];
  /** The model's boxes in the order of its answer. */
  predictedXyxy: readonly BoxXyxy[];
}

/** Each 0..1, or -1 where no phrase asks for it. */
export interface ReferringScore {
  /** Share of the phrases with an object whose first box overlaps one of the objects meant. */
  accuracy: number;
  /** Mean over the phrases with an object; 0 for an answer without boxes. */
  precision: number;
  recall: number;
  /** Share of the phrases about something absent that were answered with no box. */
  rejection: number;
}

/**
 * Whether the first box that is named is the right one, how well sets of boxes agree, and whether absence is said.
 * @example evaluateReferring([{ truthsXyxy: [[0, 0, 9, 9]], predictedXyxy: [[0, 0, 9, 8]] }]).accuracy; // 1
 */
export function evaluateReferring(answers: readonly ReferringAnswer[]): ReferringScore {
  const present = answers.filter((answer) => answer.truthsXyxy.length > 0);
  const absent = answers.filter((answer) => answer.truthsXyxy.length === 0);
  const found = (answer: ReferringAnswer) => matchBoxes(answer.predictedXyxy, answer.truthsXyxy).length;
  return {
    accuracy: mean(present, (answer) => (isFirstRight(answer) ? 1 : 0)),
    precision: mean(present, (answer) => found(answer) / Math.max(1, answer.predictedXyxy.length)),
    recall: mean(present, (answer) => found(answer) / answer.truthsXyxy.length),
    rejection: mean(absent, (answer) => (answer.predictedXyxy.length === 0 ? 1 : 0)),
  };
}

function isFirstRight({ predictedXyxy, truthsXyxy }: ReferringAnswer): boolean {
  return iou(flatten(predictedXyxy.slice(0, 1)), flatten(truthsXyxy)).some((overlap) => overlap >= FOUND_IOU);
}

function mean<T>(items: readonly T[], value: (item: T) => number): number {
  return items.length === 0 ? -1 : items.reduce((sum, item) => sum + value(item), 0) / items.length;
}
