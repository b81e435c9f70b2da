/** Precision over recall as COCO interpolates it, averaged over categories: what AP is the area of. */

import type { DetectionRow } from '../data-suites/coco.ts';
import { detectionTables } from '../data-suites/coco.ts';
import { RECALL_LEVELS } from '../metrics/coco-curves.ts';
import { FALSE_POSITIVE, TRUE_POSITIVE } from '../metrics/coco-match.ts';
import { tabulateTruths } from '../metrics/coco-table.ts';
import { tableOf } from '../metrics/detection-columns.ts';
import { groupOutcomes, rowsOfGroups } from '../metrics/group-outcomes.ts';

export interface PrecisionRecallCurve {
  readonly iouThreshold: number;
  /** Recall and the mean precision of all categories with something to find. */
  readonly points: readonly (readonly [recall: number, precision: number])[];
}

const iouThresholds = [0.5, 0.75, 0.9];
const everyArea = [{ least: 0, most: 1e5 ** 2 }];
const mostPerImage = 100;

/** Empty without anything to find. */
export function precisionRecallCurves(rows: readonly DetectionRow[]): PrecisionRecallCurve[] {
  const { truth, answers } = detectionTables(rows);
  const { images, categories } = truth;
  const ids = (items: readonly { id: number }[]) => items.map(({ id }) => id);
  const scope = { imageIds: ids(images), categoryIds: ids(categories), isClassAgnostic: false };
  const truths = tabulateTruths(truth.truths, scope);
  const all = Uint32Array.from({ length: answers.columns.count }, (_, row) => row);
  const detections = tableOf(answers.columns, all, images.length, categories.length);
  const truthRows = rowsOfGroups(truths, categories.length);
  const detectionRows = rowsOfGroups(detections, categories.length);
  const sums = iouThresholds.map(() => new Float64Array(RECALL_LEVELS.length));
  let classes = 0;
  for (const [group, rowsOfTruths] of truthRows.entries()) {
    const options = { areaRanges: everyArea, iouThresholds, mostPerImage };
    const { outcomes, order, count, truthCounts } = groupOutcomes(
      truths,
      rowsOfTruths,
      detections,
      detectionRows[group],
      options,
    );
    if (truthCounts[0] === 0) continue;
    classes++;
    sums.forEach((sum, t) => {
      const precisions = interpolated(outcomes.subarray(t * count, (t + 1) * count), order, truthCounts[0]);
      for (let level = 0; level < sum.length; level++) sum[level] += precisions[level];
    });
  }
  if (classes === 0) return [];
  return iouThresholds.map((iouThreshold, t) => ({
    iouThreshold,
    points: Array.from(RECALL_LEVELS, (recall, level) => [recall, sums[t][level] / classes] as const),
  }));
}

/** The best precision at each recall level or any higher one; 0 where recall is not reached. */
function interpolated(outcomes: Uint8Array, order: Uint32Array, truthCount: number): Float64Array {
  const best = new Float64Array(RECALL_LEVELS.length);
  let [hits, alarms] = [0, 0];
  for (const place of order) {
    if (outcomes[place] === TRUE_POSITIVE) hits++;
    else if (outcomes[place] === FALSE_POSITIVE) alarms++;
    else continue;
    const recall = hits / truthCount;
    const precision = hits / (hits + alarms);
    for (let level = 0; level < best.length && RECALL_LEVELS[level] <= recall; level++) {
      if (precision > best[level]) best[level] = precision;
    }
  }
  return best;
}
