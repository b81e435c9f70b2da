/**
 * RefCOCO, RefCOCO+ and RefCOCOg (Yu et al. 2016; Mao et al. 2016): one sentence, one box, right when it overlaps the
 * object by half. Groma and Shikra count IoU > .5, VLMEvalKit and lmms-eval >= .5: both are reported. Of several boxes
 * the first counts; Shikra's rule of exactly one box is `isExactlyOne`. Table 3 of the paper: IoU larger than .5.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { iou } from '../../boxes/overlap.ts';
import { groupBy } from '../metrics/group-by.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RefcocoAnswer, RefcocoSample } from './refcoco-files.ts';
import { counted, type Figures, meanOf, type SuiteScore, shareOf } from './suite-score.ts';

/** The eight splits, in the order of table 3. */
export const refcocoSplits = [
  'RefCOCO_val',
  'RefCOCO_testA',
  'RefCOCO_testB',
  'RefCOCO+_val',
  'RefCOCO+_testA',
  'RefCOCO+_testB',
  'RefCOCOg_val',
  'RefCOCOg_test',
] as const;

export interface RefcocoOptions {
  /** Whether an answer with several boxes is wrong, as for Shikra; by default its first box counts. */
  readonly isExactlyOne?: boolean;
}

/**
 * `accuracy50` (IoU > .5), `accuracy50Inclusive` (>= .5), the other thresholds of lmms-eval, `centerAccuracy` and
 * `meanIou`. With several splits the figures are the means over the splits, and each split is in `byKind`.
 */
export function scoreRefcoco(
  samples: readonly RefcocoSample[],
  answers: readonly RefcocoAnswer[],
  { isExactlyOne = false }: RefcocoOptions = {},
): SuiteScore {
  const idOf = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(samples, answers, idOf, idOf);
  const judged = pairs.map(({ truth, answer }) => {
    const boxes = answer?.boxesXyxy ?? [];
    const box = boxes.length === 0 || (isExactlyOne && boxes.length > 1) ? undefined : boxes[0];
    return {
      split: truth.split,
      overlap: box ? boxIou(box, truth.boxXyxy) : 0,
      isCentered: holdsCenter(truth.boxXyxy, box),
    };
  });
  const figuresOf = (own: typeof judged): Figures => {
    const ious = own.map(({ overlap }) => overlap);
    const atLeast = (threshold: number) => shareOf(ious.map((overlap) => overlap >= threshold));
    return {
      accuracy50: shareOf(ious.map((overlap) => overlap > 0.5)),
      accuracy50Inclusive: atLeast(0.5),
      accuracy10: atLeast(0.1),
      accuracy30: atLeast(0.3),
      accuracy70: atLeast(0.7),
      accuracy90: atLeast(0.9),
      centerAccuracy: shareOf(own.map(({ isCentered }) => isCentered)),
      meanIou: meanOf(ious),
    };
  };
  const groups = groupBy(judged, ({ split }) => split);
  const order = [...refcocoSplits, ...[...groups.keys()].sort()];
  const splits = [...new Set(order)].filter((split) => groups.has(split));
  const byKind = Object.fromEntries(splits.map((split) => [split, figuresOf(groups.get(split) ?? [])]));
  const without = pairs.filter(({ answer }) => answer?.boxesXyxy.length === 0).length;
  const several = pairs.filter(({ answer }) => (answer?.boxesXyxy.length ?? 0) > 1).length;
  return {
    suite: 'refcoco',
    figures: splits.length === 1 ? byKind[splits[0]] : macroMean(Object.values(byKind)),
    byKind: splits.length === 1 ? {} : byKind,
    variant: {
      rule: isExactlyOne ? 'exactly one box (Shikra)' : 'the first box (Groma, VLMEvalKit, lmms-eval)',
      accuracy50: 'IoU > .5 (the paper, Groma, Shikra)',
      accuracy50Inclusive: 'IoU >= .5 (VLMEvalKit, lmms-eval)',
      mean: splits.length === 1 ? 'of the sentences' : `of ${splits.length} splits (VLMEvalKit)`,
    },
    counts,
    notes: [
      ...notes,
      ...(without > 0 ? [`${counted(without, 'answer')} without a box counted as wrong`] : []),
      ...(several > 0
        ? [`${counted(several, 'answer')} with several boxes: ${isExactlyOne ? 'wrong' : 'the first counts'}`]
        : []),
    ],
  };
}

function macroMean(groups: readonly Figures[]): Figures {
  const names = Object.keys(groups[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, meanOf(groups.flatMap((figures) => figures[name] ?? []))]));
}

/** IoU of two boxes; 0 where one of them is empty. */
export const boxIou = (a: BoxXyxy, b: BoxXyxy): number => iou(Float64Array.from(a), Float64Array.from(b))[0];

function holdsCenter(truth: BoxXyxy, box: BoxXyxy | undefined): boolean {
  if (!box) return false;
  const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  return truth[0] <= x && x <= truth[2] && truth[1] <= y && y <= truth[3];
}
