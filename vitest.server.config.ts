/** Tests of the server that take longer than the others may: `npm run test:server`. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/server-*.load.ts'], testTimeout: 600_000, hookTimeout: 60_000, pool: 'forks', maxWorkers: 1 },
});
