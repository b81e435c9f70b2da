/** The boxes that an image's questions and answers name: checked, and at most as many as there are index tokens. */

import { ChatRexError } from '../errors.ts';
import { maxObjects } from '../grounding/dialect.ts';
import type { ImageBoxes } from './encoded-image.ts';

/** Boxes in pixels of the original image: [K, 4] flat or one by one. */
export type BoxList = ArrayLike<number> | readonly (readonly number[])[];

/** Boxes with how likely each is an object at all, in [0, 1]. */
export interface ScoredBoxes {
  readonly boxesXyxy: BoxList;
  readonly scores: ArrayLike<number>;
}

/**
 * Keeps the 100 boxes of the highest scores, in the order in which they were given.
 * @throws ChatRexError 'invalid-argument' for a box that is none
 */
export function chooseBoxes(boxes: BoxList | ScoredBoxes): ImageBoxes {
  const isScored = 'boxesXyxy' in boxes;
  const flat = Float64Array.from(isScored ? flatten(boxes.boxesXyxy) : flatten(boxes));
  requireBoxes(flat);
  const count = flat.length / 4;
  const scores = isScored ? Array.from(boxes.scores) : new Array<number>(count).fill(1);
  if (scores.length !== count) {
    throw new ChatRexError('invalid-argument', `boxes: expected a score for each of ${count}, came ${scores.length}`);
  }
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, maxObjects);
  const sources = best.sort((a, b) => a - b);
  return {
    boxesXyxy: Float64Array.from(sources.flatMap((i) => [...flat.subarray(4 * i, 4 * i + 4)])),
    scores: sources.map((i) => scores[i]),
    sources,
    leftOut: count - sources.length,
  };
}

function flatten(boxes: BoxList): number[] {
  const list = Array.from(boxes as ArrayLike<number | readonly number[]>);
  return list.flatMap((item, i) => {
    if (typeof item === 'number') return item;
    if (item.length === 4) return [...item];
    throw new ChatRexError('invalid-argument', `box ${i}: expected x1, y1, x2, y2, came ${item.length} numbers`);
  });
}

function requireBoxes(flat: Float64Array): void {
  if (flat.length % 4 !== 0) {
    throw new ChatRexError('invalid-argument', `boxes: expected 4 numbers per box, came ${flat.length} numbers`);
  }
  for (let i = 0; i < flat.length; i += 4) {
    const [x1, y1, x2, y2] = flat.subarray(i, i + 4);
    if (x1 <= x2 && y1 <= y2 && [x1, y1, x2, y2].every(Number.isFinite)) continue;
    throw new ChatRexError(
      'invalid-argument',
      `box ${i / 4}: expected finite x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, came ${[x1, y1, x2, y2].join(', ')}`,
    );
  }
}
