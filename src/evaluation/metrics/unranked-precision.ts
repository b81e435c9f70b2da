/**
 * Precision and recall of detections without scores, as the paper's table 2 gives them for models that only name boxes,
 * by the program that the authors published with Rex-Omni (evaluation/fastevaluate, metrics/coco_lvis_metric.py).
 *
 * All detections of a category have one score, so they come image by image in the order of the file. Recall is the end
 * of that curve. Precision is its last point as read at 101 recalls, which is the best precision from there to the end:
 * false alarms in the images after the last hit do not count. `precision50Plain` is what one would expect of the word.
 *
 * That program has two oddities. Classes with a zero are left out of the mean; both means are given here. And a class
 * (or an IoU threshold) without any hit takes over the precision of the one before: here it is 0, except in
 * `asPublished`.
 */

import { RECALL_LEVELS } from './coco-curves.ts';
import { FALSE_POSITIVE, TRUE_POSITIVE } from './coco-match.ts';
import type { DetectionTable, TruthTable } from './coco-table.ts';
import { type GroupOutcomes, groupOutcomes, type OutcomeOptions, rowsOfGroups } from './group-outcomes.ts';

/** Shares, 0..1; -1 where no class has anything to find. */
export interface UnrankedPrecision {
  /** At IoU .5, mean over all classes that have something to find. */
  readonly precision50: number;
  readonly recall50: number;
  /** The same without the classes that have a zero, as the authors do. */
  readonly precision50WithoutZeros: number;
  readonly recall50WithoutZeros: number;
  /** Hits over all predictions that count, at IoU .5, mean over all classes. */
  readonly precision50Plain: number;
  /** F1 of mean precision and mean recall, both averaged over IoU .5 to .95. */
  readonly f1MeanIou: number;
  readonly f1MeanIouWithoutZeros: number;
  /** To the letter as that program computes them, what it takes over from class to class included. */
  readonly asPublished: {
    readonly precision50: number;
    readonly recall50: number;
    readonly f1MeanIou: number;
  };
}

/** Precision and recall of one class, by IoU threshold. */
export interface ClassPoints {
  readonly precisions: readonly number[];
  readonly recalls: readonly number[];
  /** At the first threshold. */
  readonly plainPrecision: number;
}

const everyArea = [{ least: 0, most: 1e5 ** 2 }];
const iouThresholds = Float64Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9)).fill(0.95, 9);

/**
 * @param detections by category, then image, then the order of the file, all with one score; already without
 *   predictions
 * of categories that the image does not have, if those are not to count
 * @param options the cap of an image (100 for COCO) and what is annotated in part (LVIS)
 * @returns the figures, and the points of each class by its place; undefined for a class with nothing to find
 */
export function unrankedPrecision(
  truths: TruthTable,
  detections: DetectionTable,
  classCount: number,
  options: Pick<OutcomeOptions, 'mostPerImage' | 'isPartial'>,
): { figures: UnrankedPrecision; byClass: readonly (ClassPoints | undefined)[] } {
  const truthRows = rowsOfGroups(truths, classCount);
  const detectionRows = rowsOfGroups(detections, classCount);
  const byClass = truthRows.map((rows, g) =>
    pointsOf(
      groupOutcomes(truths, rows, detections, detectionRows[g], { ...options, areaRanges: everyArea, iouThresholds }),
    ),
  );
  return { figures: figuresOf(byClass), byClass };
}

function pointsOf({ outcomes, order, truthCounts, count }: GroupOutcomes): ClassPoints | undefined {
  const [truthCount] = truthCounts;
  if (truthCount === 0) return undefined;
  const points = Array.from(iouThresholds, (_, t) => endOfCurve(outcomes, t * count, order, truthCount));
  return {
    precisions: points.map(({ precision }) => precision),
    recalls: points.map(({ recall }) => recall),
    plainPrecision: points[0].plain,
  };
}

/** Recall at the end of the curve, precision at the highest recall level below it. */
function endOfCurve(
  outcomes: Uint8Array,
  offset: number,
  order: Uint32Array,
  truthCount: number,
): { precision: number; recall: number; plain: number } {
  let hits = 0;
  let alarms = 0;
  for (const place of order) {
    if (outcomes[offset + place] === TRUE_POSITIVE) hits++;
    else if (outcomes[offset + place] === FALSE_POSITIVE) alarms++;
  }
  if (hits === 0) return { precision: 0, recall: 0, plain: 0 };
  const recall = hits / truthCount;
  const level = RECALL_LEVELS.findLast((value) => value < recall) ?? 0;
  let best = 0;
  let [hitsSoFar, alarmsSoFar] = [0, 0];
  for (const place of order) {
    const outcome = outcomes[offset + place];
    if (outcome === TRUE_POSITIVE) hitsSoFar++;
    else if (outcome === FALSE_POSITIVE) alarmsSoFar++;
    if (hitsSoFar / truthCount > level) {
      best = Math.max(best, hitsSoFar / (hitsSoFar + alarmsSoFar + Number.EPSILON));
    }
  }
  return { precision: best, recall, plain: hits / (hits + alarms) };
}

function figuresOf(byClass: readonly (ClassPoints | undefined)[]): UnrankedPrecision {
  const points = byClass.flatMap((own) => own ?? []);
  const mean = (values: readonly number[]) =>
    values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
  // As the authors' script: without any class above zero the mean is 0.
  const meanAboveZero = (values: readonly number[]) =>
    points.length === 0 ? -1 : Math.max(0, mean(values.filter((value) => value > 0)));
  const f1 = (precision: number, recall: number) => {
    if (precision < 0 || recall < 0) return -1;
    return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  };
  const at50 = points.map(({ precisions }) => precisions[0]);
  const recall50 = points.map(({ recalls }) => recalls[0]);
  const overIou = points.map(({ precisions }) => mean(precisions));
  const recallOverIou = points.map(({ recalls }) => mean(recalls));
  const carried = carriedOver(byClass);
  return {
    precision50: mean(at50),
    recall50: mean(recall50),
    precision50WithoutZeros: meanAboveZero(at50),
    recall50WithoutZeros: meanAboveZero(recall50),
    precision50Plain: mean(points.map(({ plainPrecision }) => plainPrecision)),
    f1MeanIou: f1(mean(overIou), mean(recallOverIou)),
    f1MeanIouWithoutZeros: f1(meanAboveZero(overIou), meanAboveZero(recallOverIou)),
    asPublished: {
      precision50: meanAboveZero(carried.precision50),
      recall50: meanAboveZero(recall50),
      f1MeanIou: f1(meanAboveZero(carried.precision), meanAboveZero(recallOverIou)),
    },
  };
}

/** Precisions by class where one without a hit repeats the last one that had any; classes with nothing to find too. */
function carriedOver(byClass: readonly (ClassPoints | undefined)[]): { precision50: number[]; precision: number[] } {
  let last50 = 0;
  const precision50 = byClass.map((own) => {
    if (own && own.precisions[0] > 0) last50 = own.precisions[0];
    return last50;
  });
  let last = 0;
  const precision = byClass.map((own) => {
    let sum = 0;
    for (let t = 0; t < iouThresholds.length; t++) {
      if (own && own.precisions[t] > 0) last = own.precisions[t];
      sum += last;
    }
    return sum / iouThresholds.length;
  });
  return { precision50, precision };
}
