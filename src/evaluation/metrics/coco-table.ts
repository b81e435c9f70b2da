/**
 * Boxes in the order in which the COCO evaluator looks at them, as flat columns: by group, then image, then
 * (detections) descending score. A group is a category, or everything when categories are ignored. Ties keep category,
 * then file order, as in pycocotools.
 */

import { ChatRexError } from '../../errors.ts';
import type { DetectedBox, GroundTruthBox } from './records.ts';

/** Columns of N sorted boxes. */
export interface BoxTable {
  count: number;
  group: Int32Array;
  image: Int32Array;
  /** [N,4] pixels. */
  boxesXywh: Float64Array;
  /** Square pixels. */
  area: Float64Array;
}

export interface TruthTable extends BoxTable {
  isCrowd: Uint8Array;
}

export interface DetectionTable extends BoxTable {
  score: Float64Array;
}

/** What takes part: sorted, distinct ids. */
export interface Scope {
  imageIds: number[];
  categoryIds: number[];
  isClassAgnostic: boolean;
}

export function tabulateTruths(truths: readonly GroundTruthBox[], scope: Scope): TruthTable {
  const { table, records } = tabulate(truths, scope, new Float64Array(truths.length));
  const isCrowd = Uint8Array.from(records, (record) => (record.isCrowd ? 1 : 0));
  records.forEach((record, i) => {
    if (record.area !== undefined) table.area[i] = record.area;
  });
  return { ...table, isCrowd };
}

/** @throws ChatRexError `invalid-argument` when a score is NaN. */
export function tabulateDetections(detections: readonly DetectedBox[], scope: Scope): DetectionTable {
  for (const { score, imageId } of detections) {
    if (Number.isNaN(score)) {
      throw new ChatRexError('invalid-argument', `detections of image ${imageId}: expected a number as score, got NaN`);
    }
  }
  const bestFirst = Float64Array.from(detections, (record) => -record.score);
  const { table, records } = tabulate(detections, scope, bestFirst);
  return { ...table, score: Float64Array.from(records, (record) => record.score) };
}

/** `priority` orders the boxes of one group and image, least first. */
function tabulate<R extends GroundTruthBox | DetectedBox>(
  all: readonly R[],
  scope: Scope,
  priority: Float64Array,
): { table: BoxTable; records: R[] } {
  const imageIndex = new Map(scope.imageIds.map((id, index) => [id, index]));
  const categoryIndex = new Map(scope.categoryIds.map((id, index) => [id, index]));
  const image = Int32Array.from(all, (record) => imageIndex.get(record.imageId) ?? -1);
  const category = Int32Array.from(all, (record) => categoryIndex.get(record.categoryId) ?? -1);
  const group = scope.isClassAgnostic ? new Int32Array(all.length) : category;
  const order = Uint32Array.from(all.keys())
    .filter((i) => image[i] >= 0 && category[i] >= 0)
    .sort(
      (a, b) =>
        group[a] - group[b] || image[a] - image[b] || priority[a] - priority[b] || category[a] - category[b] || a - b,
    );
  const records = Array.from(order, (i) => all[i]);
  const boxesXywh = new Float64Array(4 * records.length);
  records.forEach((record, i) => {
    if (!record.boxXywh.every(Number.isFinite)) {
      throw new ChatRexError(
        'invalid-argument',
        `box of image ${record.imageId}: expected four finite numbers, got ${record.boxXywh}`,
      );
    }
    boxesXywh.set(record.boxXywh, 4 * i);
  });
  return {
    records,
    table: {
      count: records.length,
      group: Int32Array.from(order, (i) => group[i]),
      image: Int32Array.from(order, (i) => image[i]),
      boxesXywh,
      area: Float64Array.from(records, ({ boxXywh }) => boxXywh[2] * boxXywh[3]),
    },
  };
}
