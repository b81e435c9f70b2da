/**
 * Models for bench/rexverse.ts: they answer at once, or after a captioner that computes for REXVERSE_BENCH_MODEL_MS
 * milliseconds an image.
 */

import type { Roles } from '../src/rexverse/models/roles.ts';
import { instantRoles } from '../src/rexverse/testing/instant-roles.ts';

/** Square roots in a millisecond of a processor of today, roughly: what counts is that it is the same work each time. */
const rootsInMs = 150_000;
let sum = 0;

function compute(ms: number): void {
  for (let at = 0; at < ms * rootsInMs; at++) sum += Math.sqrt(at);
}

export function createRoles(): Roles {
  const modelMs = Number(process.env.REXVERSE_BENCH_MODEL_MS ?? 0);
  const roles = instantRoles();
  return {
    ...roles,
    captioner: {
      caption: (image) => {
        compute(modelMs);
        return roles.captioner.caption(image);
      },
    },
  };
}
