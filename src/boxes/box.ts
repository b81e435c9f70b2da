/** One box as plain numbers; lists of boxes are flat arrays [K, 4]. */

/** Left, top, right, bottom in pixels of the upright original image, half-open as in COCO. */
export type BoxXyxy = readonly [left: number, top: number, right: number, bottom: number];

/** Left, top, width, height in pixels of the upright original image, as in COCO files. */
export type BoxXywh = readonly [left: number, top: number, width: number, height: number];
