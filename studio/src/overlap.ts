/** Which boxes remain when those that overlap a better one too much are hidden. */

import type { Box, BoxXyxy } from './model.ts';

const areaOf = ([x1, y1, x2, y2]: BoxXyxy): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

/** Intersection over union, 0 to 1. */
export function overlapOf(a: BoxXyxy, b: BoxXyxy): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

/** @param boxes best first; 1 keeps all of them */
export function withoutOverlap(boxes: readonly Box[], maxOverlap: number): readonly Box[] {
  if (maxOverlap >= 1) return boxes;
  const kept: Box[] = [];
  for (const box of boxes) {
    if (kept.every((better) => overlapOf(box.box, better.box) <= maxOverlap)) kept.push(box);
  }
  return kept;
}
