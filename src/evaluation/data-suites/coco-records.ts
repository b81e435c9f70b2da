/** Boxes and images as COCO's files have them: the last digits and the order of equal scores decide about figures. */

import type { BoxXywh, BoxXyxy } from '../../boxes/box.ts';
import { boxToXywh } from '../../boxes/convert.ts';

import type { RowKey } from '../row.ts';

const perPixel = 1e6;

/**
 * Left, top, width, height, to a millionth of a pixel. A width that has become a right side and a width again has other
 * last digits; overlaps do fall on thresholds, and then these digits decide.
 */
export function wholeXywh(boxXyxy: BoxXyxy): BoxXywh {
  const [left, top, width, height] = boxToXywh(boxXyxy);
  const rounded = (value: number) => Math.round(value * perPixel) / perPixel;
  return [rounded(left), rounded(top), rounded(width), rounded(height)];
}

/** Numbers of images: the ids where they are numbers, as COCO's scripts rank equal scores by them; else the places. */
export function imageIdsOf(rows: readonly RowKey[]): (row: RowKey) => number {
  const isNumbered = rows.every(({ sample }) => /^(0|[1-9]\d{0,14})$/.test(sample));
  return isNumbered ? ({ sample }) => Number(sample) : ({ index }) => index;
}
