/** A worker of a queue in a process of its own, to be killed. Its options come as one argument, in JSON. */

import { type QueueWorkOptions, workOnQueue } from '../queue/work-on-queue.ts';

const control = new AbortController();
process.on('SIGTERM', () => control.abort());
await workOnQueue({ ...(JSON.parse(process.argv[2]) as QueueWorkOptions), signal: control.signal });
process.exit(0);
