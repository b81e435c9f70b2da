/** Bounding boxes and areas of masks as COCO writes them: polygons, run lengths, and compressed run lengths. */

import type { BoxXyxy } from '../boxes/box.ts';
import type { ImageSize } from '../image/rgb-image.ts';

/** More runs than a mask of 100 megapixels has in practice. */
const maxRuns = 50_000_000;

/**
 * The box around a mask, in pixels; undefined where it is not one, or is empty.
 * @param segmentation a list of polygons [x, y, x, y, ...], or { size: [height, width], counts: numbers or text }
 */
export function maskBounds(segmentation: unknown): BoxXyxy | undefined {
  if (Array.isArray(segmentation)) return polygonBounds(segmentation);
  return runLengths(segmentation)?.bounds;
}

/** One polygon as a flat list, or several. */
function polygonBounds(polygons: readonly unknown[]): BoxXyxy | undefined {
  const flat = polygons.flat(2);
  if (flat.length < 4 || flat.length % 2 !== 0 || !flat.every((side) => Number.isFinite(side))) return undefined;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < flat.length; at += 2) {
    const [x, y] = [flat[at] as number, flat[at + 1] as number];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right, bottom];
}

export interface RunLengthMask {
  readonly size: ImageSize;
  /** Undefined where no pixel is set. */
  readonly bounds: BoxXyxy | undefined;
  readonly areaPixels: number;
}

/** A mask of run lengths, column by column, beginning with a run of background; undefined where it is not one. */
export function runLengths(value: unknown): RunLengthMask | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { size, counts } = value as { size?: unknown; counts?: unknown };
  if (!Array.isArray(size) || size.length !== 2 || !size.every((side) => Number.isInteger(side) && side > 0)) {
    return undefined;
  }
  const [height, width] = size as [number, number];
  const runs = typeof counts === 'string' ? unpackCounts(counts) : counts;
  if (!Array.isArray(runs) || !runs.every((run) => Number.isInteger(run) && run >= 0)) return undefined;
  let position = 0;
  let areaPixels = 0;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [at, run] of (runs as number[]).entries()) {
    if (at % 2 === 1 && run > 0) {
      const last = position + run - 1;
      const [firstColumn, lastColumn] = [Math.floor(position / height), Math.floor(last / height)];
      left = Math.min(left, firstColumn);
      right = Math.max(right, lastColumn + 1);
      // A run that passes the foot of a column continues at the head of the next.
      top = Math.min(top, firstColumn === lastColumn ? position % height : 0);
      bottom = Math.max(bottom, firstColumn === lastColumn ? (last % height) + 1 : height);
      areaPixels += run;
    }
    position += run;
  }
  if (position > width * height) return undefined;
  return { size: { width, height }, bounds: areaPixels > 0 ? [left, top, right, bottom] : undefined, areaPixels };
}

/**
 * COCO's text form of run lengths: six bits a character from '0' on, five of them the number's, the sixth says that
 * more follow; from the fourth on, each number is the difference from the one two places before.
 */
function unpackCounts(text: string): number[] | undefined {
  const runs: number[] = [];
  for (let at = 0; at < text.length; ) {
    if (runs.length >= maxRuns) return undefined;
    let value = 0;
    for (let shift = 0; ; shift += 5) {
      const code = text.charCodeAt(at++) - 48;
      // 2^50 is more than any run; past the end charCodeAt is NaN.
      if (!(code >= 0 && code < 64) || shift > 50) return undefined;
      value += (code & 31) * 2 ** shift;
      if ((code & 32) !== 0) continue;
      if ((code & 16) !== 0) value -= 2 ** (shift + 5);
      break;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}
