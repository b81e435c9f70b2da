/** Logistic regression of one variable: how a score becomes a probability (Platt, 1999). */

import type { Logistic } from '../../src/proposals/nanodet/config.ts';

/** A score before the sigmoid, and whether what it was given to was right. */
export type Outcome = readonly [logit: number, isRight: boolean];

const steps = 50;

/** The slope and offset under which the outcomes are likeliest, by Newton's method. */
export function fitLogistic(outcomes: readonly Outcome[]): Logistic {
  let [slope, offset] = [1, 0];
  for (let step = 0; step < steps; step++) {
    let [dSlope, dOffset, ss, so, oo] = [0, 0, 1e-9, 0, 1e-9];
    for (const [logit, isRight] of outcomes) {
      const p = 1 / (1 + Math.exp(-(slope * logit + offset)));
      const [miss, weight] = [p - Number(isRight), p * (1 - p)];
      dSlope += miss * logit;
      dOffset += miss;
      ss += weight * logit * logit;
      so += weight * logit;
      oo += weight;
    }
    const determinant = ss * oo - so * so;
    const [moveSlope, moveOffset] = [
      (oo * dSlope - so * dOffset) / determinant,
      (ss * dOffset - so * dSlope) / determinant,
    ];
    slope -= moveSlope;
    offset -= moveOffset;
    if (Math.abs(moveSlope) + Math.abs(moveOffset) < 1e-9) break;
  }
  return { slope, offset };
}
