/**
 * What the engine itself costs: `npx tsx bench/rexverse.ts [images] [rounds] [through Redis] [long list]` (2,000, 3,
 * 5,000 and 20,000 by default; 0 leaves a part out).
 *
 * Models answer at once in the worker process, so no endpoint takes processor time; what is measured is lists,
 * decoding, hashing, phrases, keys, journals and messages. Rounds take one worker and two in turn; medians are
 * compared. A rate counts from the time when a tenth of the items has ended, so that the start of the workers is left
 * out. Goals: over 500 items a second through all stages on two cores, under 300 MB however long the list, 5,000 items
 * through Redis at least half of the local rate, and two workers at least 1.8 times one. The last is asked with a model
 * that computes 20 ms an image: with models that answer at once the process of the run takes a share of the two cores.
 *
 * Rates of a machine with other work on it measure that work. Processor time of an item does not: from it follows what
 * two free cores would do.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workOnQueue } from '../src/rexverse/queue/work-on-queue.ts';
import { runRexverse } from '../src/rexverse/run.ts';
import { readRunFile } from '../src/rexverse/run-folder.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import { hasRedis, startRedis } from '../src/rexverse/testing/services.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';

const [images = 2000, rounds = 3, throughRedis = 5000, longList = 20_000] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'rexverse-bench-'));
const rolesModule = fileURLToPath(new URL('./rexverse-roles.ts', import.meta.url));
// Models are replaced, so their address is never asked.
const settings = await testSettings('http://127.0.0.1:9/v1#instant');
/** Enough items at once that many lines share a sync: models that answer at once leave nothing else to wait for. */
const concurrency = 64;
const common = { settings, rolesModule, concurrency };

interface Measured {
  readonly rate: number;
  /** Milliseconds of processor time of an item: of the process of the run, and of its workers. */
  readonly own: number;
  readonly workers: number;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
/** Most memory in MB that this process had, and the largest of its children. */
const highest = { own: 0, worker: 0 };
const watch = setInterval(() => {
  highest.own = Math.max(highest.own, process.memoryUsage.rss() / 2 ** 20);
  highest.worker = Math.max(highest.worker, ...children().map(residentMb));
}, 200);

/** Ids of the children that this process has now; none where there is no /proc. */
function children(): string[] {
  try {
    const threads = readdirSync('/proc/self/task');
    return threads.flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
  } catch {
    return [];
  }
}

function residentMb(pid: string): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Milliseconds of processor time of the children that this process has now. */
function childrenMs(): number {
  try {
    const ticks = children().map((pid) => {
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
    helping = workOnQueue({ folder: out, queue, workers, rolesModule, concurrency, signal: control.signal });
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
    `${name.padEnd(25)} ${rate.toFixed(0).padStart(5)} items/s   processor time of an item: ` +
      `${own.toFixed(2)} ms here, ${workers.toFixed(2)} ms in workers`,
  );
  return { rate, own, workers };
}

/** A list that names every image many times, with other captions, so that none is a copy. */
function writeLongList(path: string, count: number): void {
  const line = (_: unknown, at: number) => {
    const file = `${String(at % images).padStart(4, '0')}.jpg`;
    return `${JSON.stringify({ file: join('photos', file), caption: `A small brown dog lies beside ${at} red balls.` })}\n`;
  };
  writeFileSync(path, Array.from({ length: count }, line).join(''));
}

const memory = () => `${highest.own.toFixed(0)} MB in this process, ${highest.worker.toFixed(0)} MB in a worker`;

try {
  const photos = join(root, 'photos');
  const out = join(root, 'run');
  await writeTestImages(photos, images);
  const pairs = async (name: string, source: string, count: number) => {
    const [one, two]: Measured[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      one.push(await measure(source, count, out, 1));
      two.push(await measure(source, count, out, 2));
    }
    const [single, double] = [say(`one worker${name}`, one), say(`two workers${name}`, two)];
    const ratio = median(one.map(({ rate }, round) => two[round].rate / rate));
    console.log(`two workers / one${name}: ${ratio.toFixed(2)} (median of pairs)`);
    return { single, double };
  };
  if (rounds > 0) {
    const { double } = await pairs('', photos, images);
    const { own, workers } = double;
    console.log(`by processor time two free cores would do ${(2000 / (own + workers)).toFixed(0)} items/s`);
    process.env.REXVERSE_BENCH_MODEL_MS = '20';
    const few = join(root, 'few');
    await writeTestImages(few, 300);
    await pairs(', 20 ms model', few, 300);
  }
  process.env.REXVERSE_BENCH_MODEL_MS = '0';
  if (rounds > 0) console.log(`${images} entries: at most ${memory()}`);
  if (longList > 0) {
    const list = join(root, 'long.jsonl');
    writeLongList(list, longList);
    say(`${longList} entries`, [await measure(list, longList, out, 2)]);
    console.log(`${longList} entries: at most ${memory()}`);
  }
  if (hasRedis && throughRedis > 0) {
    const many = join(root, 'many');
    await writeTestImages(many, throughRedis);
    const redis = await startRedis(join(root, 'redis'));
    const local = say(`${throughRedis} local`, [await measure(many, throughRedis, out, 2)]);
    const queued = say(`${throughRedis} through Redis`, [await measure(many, throughRedis, out, 2, redis.url)]);
    await redis.stop();
    console.log(`Redis / local: ${(queued.rate / local.rate).toFixed(2)}`);
  }
} finally {
  clearInterval(watch);
  rmSync(root, { recursive: true, force: true });
}
