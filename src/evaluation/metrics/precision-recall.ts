/**
 * Detection by a language model: precision and recall at IoU .5, for each category by itself, then averaged, and COCO's
 * AP (paper section 5, the tables on COCO and LVIS). The paper leaves details open; here: a category takes part if it
 * has something to find, its precision is 0 when nothing was predicted, matching is `matchBoxes` per image, and a
 * prediction that found nothing but lies in a crowd is not counted, as in COCO.
 */

import type { BoxXywh } from '../../boxes/box.ts';
import { boxToXyxy } from '../../boxes/convert.ts';
import { type CocoOptions, evaluateCoco } from './coco.ts';
import { groupBy } from './group-by.ts';
import { FOUND_IOU, matchBoxes } from './match-boxes.ts';
import type { DetectedBox, GroundTruthBox } from './records.ts';

/** A box that a model named; without a score it counts as certain (1), as language models give none. */
export type PredictedBox = Omit<DetectedBox, 'score'> & { score?: number };

export interface CategoryScore {
  precision: number;
  recall: number;
}

/** Each 0..1, or -1 where there is nothing to find. */
export interface DetectionScore extends CategoryScore {
  /** COCO's AP over IoU .5 to .95. */
  AP: number;
  AP50: number;
  byCategory: Map<number, CategoryScore>;
}

/**
 * Scores predictions against truths; `options` as in `evaluateCoco`, always by category.
 * @example const { precision, recall } = evaluateDetection(truths, predictions);
 */
export function evaluateDetection(
  truths: readonly GroundTruthBox[],
  predictions: readonly PredictedBox[],
  options: Pick<CocoOptions, 'imageIds' | 'categoryIds'> = {},
): DetectionScore {
  const imageIds = options.imageIds && new Set(options.imageIds);
  const categoryIds = options.categoryIds && new Set(options.categoryIds);
  const takesPart = (record: { imageId: number; categoryId: number }) =>
    (imageIds?.has(record.imageId) ?? true) && (categoryIds?.has(record.categoryId) ?? true);
  const truthsByCategory = groupBy(truths.filter(takesPart), (truth) => truth.categoryId);
  const predictionsByCategory = groupBy(predictions.filter(takesPart), (prediction) => prediction.categoryId);
  const byCategory = new Map<number, CategoryScore>();
  for (const [category, own] of truthsByCategory) {
    if (own.every((truth) => truth.isCrowd)) continue;
    byCategory.set(category, scoreCategory(own, predictionsByCategory.get(category) ?? []));
  }
  const scores = [...byCategory.values()];
  const average = (key: keyof CategoryScore) =>
    scores.length === 0 ? -1 : scores.reduce((sum, score) => sum + score[key], 0) / scores.length;
  const certain = predictions.map((prediction) => ({ ...prediction, score: prediction.score ?? 1 }));
  const { AP, AP50 } = evaluateCoco(truths, certain, options).metrics;
  return { precision: average('precision'), recall: average('recall'), AP, AP50, byCategory };
}

function scoreCategory(truths: readonly GroundTruthBox[], predictions: readonly PredictedBox[]): CategoryScore {
  const truthsByImage = groupBy(truths, (truth) => truth.imageId);
  const objectCount = truths.filter((truth) => !truth.isCrowd).length;
  let found = 0;
  let counted = 0;
  for (const [image, named] of groupBy(predictions, (prediction) => prediction.imageId)) {
    const present = truthsByImage.get(image) ?? [];
    const objects = present.filter((truth) => !truth.isCrowd);
    const crowds = present.filter((truth) => truth.isCrowd);
    const pairs = matchBoxes(
      named.map((box) => boxToXyxy(box.boxXywh)),
      objects.map((box) => boxToXyxy(box.boxXywh)),
    );
    const isFinder = new Set(pairs.map((pair) => pair.predicted));
    found += pairs.length;
    counted += named.filter(
      (box, i) => isFinder.has(i) || !crowds.some((crowd) => shareInside(box.boxXywh, crowd.boxXywh) >= FOUND_IOU),
    ).length;
  }
  return { precision: counted === 0 ? 0 : found / counted, recall: found / objectCount };
}

/** Share of a box's area that lies in a region. */
function shareInside(box: BoxXywh, region: BoxXywh): number {
  const width = Math.min(box[0] + box[2], region[0] + region[2]) - Math.max(box[0], region[0]);
  const height = Math.min(box[1] + box[3], region[1] + region[3]) - Math.max(box[1], region[1]);
  return width > 0 && height > 0 ? (width * height) / (box[2] * box[3]) : 0;
}
