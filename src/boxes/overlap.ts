/**
 * Areas and overlaps of boxes: IoU and generalized IoU (Rezatofighi et al., CVPR 2019), pairwise.
 * Agrees with `torchvision.ops` `box_area`, `box_iou` and `generalized_box_iou`, except where those give NaN or
 * negative areas: a box with right < left or bottom < top counts as empty, and two empty boxes overlap by 0.
 */

import { type BoxArray, countBoxes } from './box-array.ts';

/** Area of each box, [N,4] xyxy -> [N]; 0 for an empty or reversed box. */
export function boxArea<B extends BoxArray>(boxesXyxy: B): B {
  const count = countBoxes(boxesXyxy);
  const areas = boxesXyxy.slice(0, count) as B;
  for (let i = 0; i < count; i++) areas[i] = areaAt(boxesXyxy, 4 * i);
  return areas;
}

/** Intersection over union of every pair, [N,4] and [M,4] xyxy -> row-major [N,M] in 0..1. */
export function iou(boxesXyxyA: BoxArray, boxesXyxyB: BoxArray): Float64Array {
  return pairwise(boxesXyxyA, boxesXyxyB, (intersection, union) => (union > 0 ? intersection / union : 0));
}

/**
 * Generalized IoU of every pair, [N,4] and [M,4] xyxy -> row-major [N,M] in -1..1:
 * IoU minus the share of the smallest enclosing box that neither box covers. 0 where the enclosing box is empty.
 */
export function generalizedIou(boxesXyxyA: BoxArray, boxesXyxyB: BoxArray): Float64Array {
  return pairwise(boxesXyxyA, boxesXyxyB, (intersection, union, enclosing) => {
    const overlap = union > 0 ? intersection / union : 0;
    return enclosing > 0 ? overlap - (enclosing - union) / enclosing : overlap;
  });
}

/** Calls `measure` with the areas of intersection, union and enclosing box of every pair. */
function pairwise(
  a: BoxArray,
  b: BoxArray,
  measure: (intersection: number, union: number, enclosing: number) => number,
): Float64Array {
  const rows = countBoxes(a);
  const columns = countBoxes(b);
  const out = new Float64Array(rows * columns);
  for (let i = 0, at = 0; i < 4 * rows; i += 4) {
    const areaA = areaAt(a, i);
    for (let j = 0; j < 4 * columns; j += 4, at++) {
      const width = Math.min(a[i + 2], b[j + 2]) - Math.max(a[i], b[j]);
      const height = Math.min(a[i + 3], b[j + 3]) - Math.max(a[i + 1], b[j + 1]);
      const intersection = width > 0 && height > 0 ? width * height : 0;
      const enclosingWidth = Math.max(a[i + 2], b[j + 2]) - Math.min(a[i], b[j]);
      const enclosingHeight = Math.max(a[i + 3], b[j + 3]) - Math.min(a[i + 1], b[j + 1]);
      out[at] = measure(intersection, areaA + areaAt(b, j) - intersection, enclosingWidth * enclosingHeight);
    }
  }
  return out;
}

function areaAt(boxesXyxy: BoxArray, offset: number): number {
  const width = boxesXyxy[offset + 2] - boxesXyxy[offset];
  const height = boxesXyxy[offset + 3] - boxesXyxy[offset + 1];
  return width > 0 && height > 0 ? width * height : 0;
}
