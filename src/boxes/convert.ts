/**
 * Conversions between box frames. A frame is a layout and a unit:
 *
 *     xyxy    left, top, right, bottom (half-open: right - left is the width, as in COCO)
 *     xywh    left, top, width, height (COCO annotation files)
 *     cxcywh  centre x, centre y, width, height (DETR)
 *
 * Units are pixels, or, with the suffix `Normalized`, fractions of the image's width and height.
 * Nothing is rounded or clipped; every function returns a new array of the input's kind.
 */

import type { BoxXywh, BoxXyxy } from './box.ts';
import { type BoxArray, countBoxes } from './box-array.ts';

/** [N,4] xyxy -> [N,4] cxcywh, same unit. */
export function xyxyToCxcywh<B extends BoxArray>(boxesXyxy: B): B {
  return mapBoxes(boxesXyxy, (out, i) => {
    const [left, top, right, bottom] = [out[i], out[i + 1], out[i + 2], out[i + 3]];
    out[i] = (left + right) / 2;
    out[i + 1] = (top + bottom) / 2;
    out[i + 2] = right - left;
    out[i + 3] = bottom - top;
  });
}

/** [N,4] cxcywh -> [N,4] xyxy, same unit. */
export function cxcywhToXyxy<B extends BoxArray>(boxesCxcywh: B): B {
  return mapBoxes(boxesCxcywh, (out, i) => {
    const [centreX, centreY, halfWidth, halfHeight] = [out[i], out[i + 1], out[i + 2] / 2, out[i + 3] / 2];
    out[i] = centreX - halfWidth;
    out[i + 1] = centreY - halfHeight;
    out[i + 2] = centreX + halfWidth;
    out[i + 3] = centreY + halfHeight;
  });
}

/** [N,4] xyxy -> [N,4] xywh, same unit. */
export function xyxyToXywh<B extends BoxArray>(boxesXyxy: B): B {
  return mapBoxes(boxesXyxy, (out, i) => {
    out[i + 2] -= out[i];
    out[i + 3] -= out[i + 1];
  });
}

/** [N,4] xywh -> [N,4] xyxy, same unit. */
export function xywhToXyxy<B extends BoxArray>(boxesXywh: B): B {
  return mapBoxes(boxesXywh, (out, i) => {
    out[i + 2] += out[i];
    out[i + 3] += out[i + 1];
  });
}

/** One xyxy box -> xywh, same unit. */
export function boxToXywh([left, top, right, bottom]: BoxXyxy): BoxXywh {
  return [left, top, right - left, bottom - top];
}

/** One xywh box -> xyxy, same unit. */
export function boxToXyxy([left, top, width, height]: BoxXywh): BoxXyxy {
  return [left, top, left + width, top + height];
}

/** Pixels -> fractions of an image of `width` x `height` pixels, in any of the three layouts. */
export function normalizeBoxes<B extends BoxArray>(boxes: B, width: number, height: number): B {
  return mapBoxes(boxes, (out, i) => {
    out[i] /= width;
    out[i + 1] /= height;
    out[i + 2] /= width;
    out[i + 3] /= height;
  });
}

/** Fractions -> pixels of an image of `width` x `height` pixels, in any of the three layouts. */
export function denormalizeBoxes<B extends BoxArray>(boxesNormalized: B, width: number, height: number): B {
  return mapBoxes(boxesNormalized, (out, i) => {
    out[i] *= width;
    out[i + 1] *= height;
    out[i + 2] *= width;
    out[i + 3] *= height;
  });
}

/** [N,4] xyxy pixels cut to the image; a box wholly outside becomes empty on the nearest edge. */
export function clipBoxes<B extends BoxArray>(boxesXyxy: B, width: number, height: number): B {
  return mapBoxes(boxesXyxy, (out, i) => {
    out[i] = Math.min(Math.max(out[i], 0), width);
    out[i + 1] = Math.min(Math.max(out[i + 1], 0), height);
    out[i + 2] = Math.min(Math.max(out[i + 2], 0), width);
    out[i + 3] = Math.min(Math.max(out[i + 3], 0), height);
  });
}

/** Copies the boxes and lets `edit` rewrite each one in place at its offset. */
function mapBoxes<B extends BoxArray>(boxes: B, edit: (out: BoxArray, offset: number) => void): B {
  countBoxes(boxes);
  const out = boxes.slice() as B;
  for (let offset = 0; offset < out.length; offset += 4) edit(out, offset);
  return out;
}
