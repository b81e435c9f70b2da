/** Child processes that start both from compiled JavaScript and from TypeScript sources in development. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Starts a process on a module named as in `import`, relative to `base` (an `import.meta.url`), with its `.ts` name.
 * Messages to and from it may hold typed arrays. Its standard output is closed, for its parent's may be a protocol;
 * errors are shared.
 * @example startChild('./model-child.ts', import.meta.url, ['nano'])
 */
export function startChild(module: string, base: string, args: readonly string[]): ChildProcess {
  const isSource = base.endsWith('.ts');
  const url = new URL(isSource ? module : module.replace(/\.ts$/, '.js'), base);
  return fork(fileURLToPath(url), args, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // The loader that lets Node read TypeScript.
    execArgv: isSource ? ['--import', import.meta.resolve('tsx')] : [],
  });
}
