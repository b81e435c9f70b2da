/** The studio in a real browser: `npm run test:studio`. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/studio*.browser.ts'],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
