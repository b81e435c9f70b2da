/**
 * Grounded captions: how many of the links between a phrase and a box are right, and how many of the true ones are
 * there (paper section 4, grounded image captioning). A link is right when its phrase is that of a truth
 * (`normalizePhrase`) whose box overlaps by IoU .5, each truth once. Counted over all captions together, so that a long
 * caption weighs more than a short one.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { groupBy } from './group-by.ts';
import { matchBoxes } from './match-boxes.ts';
import { normalizePhrase } from './normalize-phrase.ts';

/** A phrase of a caption and the boxes it stands for. */
export interface GroundedPhrase {
  phrase: string;
  boxesXyxy: readonly BoxXyxy[];
}

/** The caption of one image. */
export interface GroundedCaptionAnswer {
  truth: readonly GroundedPhrase[];
  predicted: readonly GroundedPhrase[];
}

/** Each 0..1, or -1 where there are no links to count. */
export interface GroundedCaptionScore {
  precision: number;
  recall: number;
}

export function evaluateGroundedCaptions(answers: readonly GroundedCaptionAnswer[]): GroundedCaptionScore {
  let truths = 0;
  let predictions = 0;
  let right = 0;
  for (const { truth, predicted } of answers) {
    const truthBoxes = boxesByPhrase(truth);
    for (const boxes of truthBoxes.values()) truths += boxes.length;
    for (const [phrase, boxes] of boxesByPhrase(predicted)) {
      predictions += boxes.length;
      right += matchBoxes(boxes, truthBoxes.get(phrase) ?? []).length;
    }
  }
  return { precision: predictions === 0 ? -1 : right / predictions, recall: truths === 0 ? -1 : right / truths };
}

/** All boxes of a phrase together, even when a caption says it more than once. */
function boxesByPhrase(phrases: readonly GroundedPhrase[]): Map<string, BoxXyxy[]> {
  const groups = groupBy(phrases, ({ phrase }) => normalizePhrase(phrase));
  return new Map(Array.from(groups, ([phrase, group]) => [phrase, group.flatMap(({ boxesXyxy }) => boxesXyxy)]));
}
