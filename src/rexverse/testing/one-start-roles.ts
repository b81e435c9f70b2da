/** Roles of which only one process gets ready: whoever comes first. The others load their models forever. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Roles } from '../models/roles.ts';
import { instantRoles } from './instant-roles.ts';

export async function createRoles(): Promise<Roles> {
  try {
    writeFileSync(join(process.env.REXVERSE_TEST_IMAGES ?? '', 'first-process'), '', { flag: 'wx' });
  } catch {
    await new Promise(() => {});
  }
  return instantRoles();
}
