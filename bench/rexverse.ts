/**
 * What the engine itself costs: `npx tsx bench/rexverse.ts [images] [rounds] [through Redis]` (2,000, 3 and 5,000 by
 * default).
 *
 * Models answer at once in the worker process, so no endpoint takes processor time; what is measured is lists,
 * decoding, hashing, phrases, keys, journals and messages. Rounds take one worker and two in turn; medians are
 * compared. A rate counts from the time when a tenth of the items has ended, so that the start of the workers is left
 * out. Goals: over 500 items a second through all stages on two cores, under 300 MB, two workers at least 1.8 times
 * one, 5,000 items through Redis at least half of the local rate.
 *
 * Rates of a machine with other work on it measure that work. Processor time of an item does not: from it follows what
 * two free cores would do.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workOnQueue } from '../src/rexverse/queue/work-on-queue.ts';
import { runRexverse } from '../src/rexverse/run.ts';
import { readRunFile } from '../src/rexverse/run-folder.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import { hasRedis, startRedis } from '../src/rexverse/testing/services.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';

const [images = 2000, rounds = 3, throughRedis = 5000] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'rexverse-bench-'));
const rolesModule = fileURLToPath(new URL('./rexverse-roles.ts', import.meta.url));
// Models are replaced, so their address is never asked.
const settings = await testSettings('http://127.0.0.1:9/v1#instant');
const common = { settings, rolesModule, concurrency: 16 };

interface Measured {
  readonly rate: number;
  /** Milliseconds of processor time of an item: of the process of the run, and of its workers. */
  readonly own: number;
  readonly workers: number;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
let highest = 0;
const watch = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 50);

/** Milliseconds of processor time of the children that this process has now; nothing where there is no /proc. */
function childrenMs(): number {
  try {
    const threads = readdirSync('/proc/self/task');
    const pids = threads.flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    const ticks = pids.map((pid) => {
      // The name in brackets may hold spaces; user and system time are the 14th and 15th field.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return Number(fields[11]) + Number(fields[12]);
    });
    return 10 * ticks.reduce((sum, one) => sum + one, 0);
  } catch {
    return 0;
  }
}

function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measure(source: string, count: number, out: string, workers: number, queue?: string): Promise<Measured> {
  const control = new AbortController();
  const now = (ended: number) => ({ at: performance.now(), ended, own: ownMs(), workers: childrenMs() });
  const marks: ReturnType<typeof now>[] = [];
  const onProgress = ({ done }: { done: number }) => {
    if (done >= (marks.length === 0 ? count / 10 : count) && marks.length < 2) marks.push(now(done));
  };
  const running = runRexverse({ ...common, source, out, workers, onProgress, ...(queue !== undefined && { queue }) });
  let helping: Promise<number> | undefined;
  if (queue !== undefined) {
    while (!(await readRunFile(out))) await new Promise((resolve) => setTimeout(resolve, 10));
    helping = workOnQueue({ folder: out, queue, workers, rolesModule, concurrency: 16, signal: control.signal });
  }
  const { done } = await running;
  control.abort();
  await helping;
  rmSync(out, { recursive: true });
  const [start, end] = marks;
  if (!end) throw new Error(`expected ${count} items, came ${done}`);
  const items = end.ended - start.ended;
  return {
    rate: (1000 * items) / (end.at - start.at),
    own: (end.own - start.own) / items,
    workers: (end.workers - start.workers) / items,
  };
}

function say(name: string, all: readonly Measured[]): Measured {
  const of = (part: keyof Measured) => median(all.map((one) => one[part]));
  const { rate, own, workers } = { rate: of('rate'), own: of('own'), workers: of('workers') };
  console.log(
    `${name.padEnd(22)} ${rate.toFixed(0).padStart(5)} items/s   processor time of an item: ` +
      `${own.toFixed(2)} ms here, ${workers.toFixed(2)} ms in workers`,
  );
  return { rate, own, workers };
}

try {
  const photos = join(root, 'photos');
  await writeTestImages(photos, images);
  const [one, two]: Measured[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    one.push(await measure(photos, images, join(root, 'run'), 1));
    two.push(await measure(photos, images, join(root, 'run'), 2));
  }
  const [single, double] = [say('one worker', one), say('two workers', two)];
  console.log(`two workers / one      ${(double.rate / single.rate).toFixed(2)}`);
  const { own, workers } = single;
  const free = { one: 1000 / Math.max(own, workers), two: 2000 / (own + workers) };
  console.log(
    `by processor time two free cores would do ${free.two.toFixed(0)} items/s, ` +
      `${(free.two / free.one).toFixed(2)} times one worker (${free.one.toFixed(0)})`,
  );
  console.log(`memory of this process at most ${(highest / 2 ** 20).toFixed(0)} MB`);
  if (hasRedis && throughRedis > 0) {
    const many = join(root, 'many');
    await writeTestImages(many, throughRedis);
    const redis = await startRedis(join(root, 'redis'));
    const local = say(`${throughRedis} local`, [await measure(many, throughRedis, join(root, 'run'), 2)]);
    const queued = say(`${throughRedis} through Redis`, [
      await measure(many, throughRedis, join(root, 'run'), 2, redis.url),
    ]);
    await redis.stop();
    console.log(`Redis / local          ${(queued.rate / local.rate).toFixed(2)}`);
  }
} finally {
  clearInterval(watch);
  rmSync(root, { recursive: true, force: true });
}
