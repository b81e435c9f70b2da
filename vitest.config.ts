import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'studio/**/*.test.ts'],
    // For what hangs, not for what is slow: on a busy machine everything is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
    // Files share a process with what they import, which halves the time of the suite: a test leaves no state behind.
    isolate: false,
    // Each of the two has a core: threads that share them would wait for each other.
    env: { CHATREX_THREADS: '1' },
  },
});
