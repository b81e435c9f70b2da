/** Plain records that every evaluation reads: what is in an image, and what a model says is in it. */

import type { BoxXywh } from '../../boxes/box.ts';

/** One annotated object. */
export interface GroundTruthBox {
  imageId: number;
  categoryId: number;
  boxXywh: BoxXywh;
  /** Square pixels that decide small, medium or large; COCO gives the mask's area. The box's area when absent. */
  area?: number;
  /** A region of many objects: it may be found any number of times, and finding or missing it counts for nothing. */
  isCrowd?: boolean;
}

/** One detected object. */
export interface DetectedBox {
  imageId: number;
  categoryId: number;
  boxXywh: BoxXywh;
  /** Any scale; only the order matters. */
  score: number;
}
