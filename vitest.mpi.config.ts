import { defineConfig } from 'vitest/config';

/** Whole training runs by two processes of MPI: apart from the other tests, since they take a minute. */
export default defineConfig({
  test: { include: ['test/mpi.load.ts'], testTimeout: 300_000, pool: 'forks' },
});
