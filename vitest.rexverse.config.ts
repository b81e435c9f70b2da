import { defineConfig } from 'vitest/config';

/** What takes Rexverse long: kills, queues with real servers, and items that hang. `npm run test:rexverse` */
export default defineConfig({
  test: {
    include: ['test/rexverse-*.load.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
