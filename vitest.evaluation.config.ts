import { defineConfig } from 'vitest/config';

/** Evaluations on photographs that are killed; apart from the other tests, since they take a while: `npm run test:evaluation` */
export default defineConfig({
  test: { include: ['test/evaluation-*.load.ts'], testTimeout: 300_000, pool: 'forks', env: { CHATREX_THREADS: '1' } },
});
