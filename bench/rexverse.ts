/**
 * What the engine itself costs: `npx tsx bench/rexverse.ts [images] [rounds]` (2,000 and 3 by default).
 *
 * Models answer at once in the worker process, so what is measured is lists, decoding, hashing, phrases, keys, journals
 * and messages. Rounds take one worker and two in turn; the medians are compared. A second table is through Redis, if
 * `redis-server` is there. Goals: over 500 items a second through all stages on two cores, under 300 MB, two workers at
 * least 1.8 times one, Redis at least half of the local rate. Machines with other work on them measure that work.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workOnQueue } from '../src/rexverse/queue/work-on-queue.ts';
import { runRexverse } from '../src/rexverse/run.ts';
import { readRunFile } from '../src/rexverse/run-folder.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import { hasRedis, startRedis } from '../src/rexverse/testing/services.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';

const [images = 2000, rounds = 3] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'rexverse-bench-'));
const photos = join(root, 'photos');
const rolesModule = fileURLToPath(new URL('./rexverse-roles.ts', import.meta.url));
// Models are replaced, so their address is never asked.
const settings = await testSettings('http://127.0.0.1:9/v1#instant');
const common = { source: photos, settings, rolesModule, concurrency: 16 };

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
let highest = 0;
const watch = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 50);

async function rate(out: string, workers: number, queue?: string): Promise<number> {
  const startedAt = performance.now();
  const control = new AbortController();
  const running = runRexverse({ ...common, out, workers, ...(queue !== undefined && { queue }) });
  let helping: Promise<number> | undefined;
  if (queue !== undefined) {
    while (!(await readRunFile(out))) await new Promise((resolve) => setTimeout(resolve, 10));
    helping = workOnQueue({ folder: out, queue, workers, rolesModule, concurrency: 16, signal: control.signal });
  }
  const { done } = await running;
  const seconds = (performance.now() - startedAt) / 1000;
  control.abort();
  await helping;
  if (done !== images) throw new Error(`expected ${images} items, came ${done}`);
  return images / seconds;
}

try {
  await writeTestImages(photos, images);
  const rates: Record<string, number[]> = { 'one worker': [], 'two workers': [], 'two workers, Redis': [] };
  const redis = hasRedis ? await startRedis(join(root, 'redis')) : undefined;
  for (let round = 0; round < rounds; round++) {
    rates['one worker'].push(await rate(join(root, `one-${round}`), 1));
    rates['two workers'].push(await rate(join(root, `two-${round}`), 2));
    if (redis) rates['two workers, Redis'].push(await rate(join(root, `redis-${round}`), 2, redis.url));
  }
  await redis?.stop();
  for (const [name, all] of Object.entries(rates)) {
    if (all.length > 0)
      console.log(`${name.padEnd(20)} ${median(all).toFixed(0)} items/s (start of the workers included)`);
  }
  console.log(`two workers / one     ${(median(rates['two workers']) / median(rates['one worker'])).toFixed(2)}`);
  const through = rates['two workers, Redis'];
  if (through.length > 0)
    console.log(`Redis / local         ${(median(through) / median(rates['two workers'])).toFixed(2)}`);
  console.log(`memory of this process at most ${(highest / 2 ** 20).toFixed(0)} MB`);
} finally {
  clearInterval(watch);
  rmSync(root, { recursive: true, force: true });
}
