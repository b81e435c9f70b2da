/** Ends a worker process whose parent is gone, even while its main thread hangs in a decoder. */

import { workerData } from 'node:worker_threads';

const { parent } = workerData as { parent: number };
const everyMs = 500;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, everyMs);
