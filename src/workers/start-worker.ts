/** Worker threads that start both from compiled JavaScript and from TypeScript sources in development. */

import { Worker } from 'node:worker_threads';

/**
 * Starts a worker on a module named as in `import`, relative to `base` (an `import.meta.url`), with its `.ts` name.
 * @example startWorker('./scene-worker.ts', import.meta.url, { seed: 1 })
 */
export function startWorker(module: string, base: string, workerData: unknown): Worker {
  if (!base.endsWith('.ts')) return new Worker(new URL(module.replace(/\.ts$/, '.js'), base), { workerData });
  // Threads do not inherit the loader that lets this process read TypeScript.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = JSON.stringify(new URL(module, base).href);
  const code = `import(${loader}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(code, { eval: true, workerData });
}
