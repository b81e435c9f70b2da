/** Orders by score, best first; equal scores keep their order, so that results never depend on the sort. */

import { ChatRexError } from '../errors.ts';

/**
 * Indices of `scores` from the highest to the lowest; ties by index.
 * @throws ChatRexError `invalid-argument` on a NaN score, which has no place in an order.
 */
export function orderByScore(scores: ArrayLike<number>): Uint32Array {
  const order = new Uint32Array(scores.length);
  for (let i = 0; i < order.length; i++) {
    if (Number.isNaN(scores[i])) {
      throw new ChatRexError('invalid-argument', `scores[${i}]: expected a number, got NaN; the model has diverged`);
    }
    order[i] = i;
  }
  return order.sort((a, b) => scores[b] - scores[a] || a - b);
}

/**
 * Indices of the `count` highest scores, best first, ties by index; all of them when there are fewer.
 * @throws ChatRexError `invalid-argument` on a NaN score.
 */
export function topScores(scores: ArrayLike<number>, count: number): Uint32Array {
  return orderByScore(scores).slice(0, count);
}
