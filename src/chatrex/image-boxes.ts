/**
 * The boxes that an image's questions and answers name: checked, inside the image, and at most as many as index tokens.
 */

import { ChatRexError } from '../errors.ts';
import { maxObjects } from '../grounding/dialect.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { ImageBoxes } from './encoded-image.ts';

/** Boxes in pixels of the original image: [K, 4] flat or one by one. */
export type BoxList = ArrayLike<number> | readonly (readonly number[])[];

/** Boxes with how likely each is an object at all, in [0, 1]. */
export interface ScoredBoxes {
  readonly boxesXyxy: BoxList;
  readonly scores: ArrayLike<number>;
}

/** What a box may lie outside the image without a word: coordinates are often rounded. */
const roundingPixels = 0.5;

/**
 * Cuts boxes to the image and keeps the 100 of the highest scores, in the order in which they were given.
 * @throws ChatRexError 'invalid-argument' for a box that is malformed, has no area, or lies wholly outside the image
 */
export function chooseBoxes(boxes: BoxList | ScoredBoxes, size: ImageSize): ImageBoxes {
  const isScored = typeof boxes === 'object' && boxes !== null && 'boxesXyxy' in boxes;
  const given = Float64Array.from(flatten(isScored ? boxes.boxesXyxy : boxes));
  if (given.length % 4 !== 0) throw wrong(`boxes: expected 4 numbers per box, came ${given.length} numbers`);
  const count = given.length / 4;
  const scores = isScored ? checkedScores(boxes.scores, count) : new Array<number>(count).fill(1);
  const cut = Array.from({ length: count }, (_, i) => insideOf(given.subarray(4 * i, 4 * i + 4), i, size));
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, maxObjects);
  const sources = best.sort((a, b) => a - b);
  const isClipped = (i: number) => cut[i].some((value, side) => Math.abs(value - given[4 * i + side]) > roundingPixels);
  return {
    boxesXyxy: Float64Array.from(sources.flatMap((i) => cut[i])),
    scores: sources.map((i) => scores[i]),
    sources,
    clipped: sources.filter(isClipped),
    leftOut: count - sources.length,
  };
}

const wrong = (message: string): ChatRexError => new ChatRexError('invalid-argument', message);

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

function flatten(boxes: unknown): number[] {
  if (!isList(boxes)) {
    throw wrong('boxes: expected a list [[x1, y1, x2, y2], ...] or { boxesXyxy, scores }, came something else');
  }
  return Array.from(boxes).flatMap((item, i): number | number[] => {
    if (typeof item === 'number') return item;
    if (isList(item) && item.length === 4) return Array.from(item, Number);
    throw wrong(`box ${i}: expected x1, y1, x2, y2, came ${isList(item) ? `${item.length} numbers` : String(item)}`);
  });
}

function checkedScores(scores: unknown, count: number): number[] {
  if (!isList(scores) || scores.length !== count) {
    throw wrong(`boxes: expected a score for each of ${count}, came ${isList(scores) ? scores.length : 'no list'}`);
  }
  return Array.from(scores, (score, i) => {
    if (typeof score === 'number' && score >= 0 && score <= 1) return score;
    throw wrong(`score of box ${i}: expected a number from 0 to 1, came ${score}`);
  });
}

/** The part of a box inside the image. */
function insideOf(box: Float64Array, index: number, { width, height }: ImageSize): number[] {
  const [x1, y1, x2, y2] = box;
  const told = `box ${index} (${[x1, y1, x2, y2].join(', ')})`;
  if (!(box.every(Number.isFinite) && x1 <= x2 && y1 <= y2)) {
    throw wrong(`${told}: expected finite x1, y1, x2, y2 with x1 < x2 and y1 < y2`);
  }
  if (x1 === x2 || y1 === y2) throw wrong(`${told} has no area; expected x1 < x2 and y1 < y2`);
  if (x2 <= 0 || y2 <= 0 || x1 >= width || y1 >= height) {
    throw wrong(`${told} lies outside the image of ${width} x ${height} pixels; expected pixels of this image`);
  }
  return [Math.max(x1, 0), Math.max(y1, 0), Math.min(x2, width), Math.min(y2, height)];
}
