/** A run in a process of its own, to be killed. Its options come as one argument, in JSON. */

import { type RunOptions, runRexverse } from '../run.ts';

const options = JSON.parse(process.argv[2]) as RunOptions;
const control = new AbortController();
process.on('SIGTERM', () => control.abort());

const summary = await runRexverse({ ...options, signal: control.signal });
process.send?.(summary);
process.disconnect?.();
