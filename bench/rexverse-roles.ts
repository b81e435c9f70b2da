/**
 * Models for bench/rexverse.ts: they answer at once, or after a captioner that computes for REXVERSE_BENCH_MODEL_MS
 * milliseconds an image.
 */

import type { Roles } from '../src/rexverse/models/roles.ts';
import { instantRoles } from '../src/rexverse/testing/instant-roles.ts';

/** Square roots in a millisecond of an AMD EPYC, roughly: what counts is that it is the same work each time. */
const rootsInMs = 400_000;

/** @returns what it computed, so that the loop cannot be left out */
function compute(ms: number): number {
  let sum = 0;
  for (let at = 0; at < ms * rootsInMs; at++) sum += Math.sqrt(at);
  return sum;
}

export function createRoles(): Roles {
  const modelMs = Number(process.env.REXVERSE_BENCH_MODEL_MS ?? 0);
  const roles = instantRoles();
  return {
    ...roles,
    captioner: {
      caption: (image) => {
        if (compute(modelMs) < 0) throw new Error('expected a sum of square roots');
        return roles.captioner.caption(image);
      },
    },
  };
}
