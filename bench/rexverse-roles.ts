/**
 * Models for bench/rexverse.ts: they answer at once, or after a captioner that computes for REXVERSE_BENCH_MODEL_MS
 * milliseconds an image.
 */

import type { Roles } from '../src/rexverse/models/roles.ts';
import { instantRoles } from '../src/rexverse/testing/instant-roles.ts';

export function createRoles(): Roles {
  const modelMs = Number(process.env.REXVERSE_BENCH_MODEL_MS ?? 0);
  const roles = instantRoles();
  return {
    ...roles,
    captioner: {
      caption: (image) => {
        const until = process.cpuUsage().user / 1000 + modelMs;
        while (process.cpuUsage().user / 1000 < until);
        return roles.captioner.caption(image);
      },
    },
  };
}
