/** Models that answer at once, for bench/rexverse.ts. */

import { instantRoles } from '../src/rexverse/testing/instant-roles.ts';

export const createRoles = instantRoles;
