/**
 * kill -9 at random moments, of workers and of the process of the run: nothing is lost, nothing is paid twice, and what
 * is written is equal byte for byte. A few kills by default; REXVERSE_KILLS=20 REXVERSE_IMAGES=200 makes it more.
 * `npm run test:rexverse`
 */

import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../src/random.ts';
import { type RunOptions, type RunSummary, runRexverse } from '../src/rexverse/run.ts';
import { blockNames } from '../src/rexverse/run-folder.ts';
import { TestEndpoint } from '../src/rexverse/testing/endpoint.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';
import { startChild } from '../src/workers/start-child.ts';

const kills = Number(process.env.REXVERSE_KILLS ?? 2);
const images = Number(process.env.REXVERSE_IMAGES ?? 16);
const workers = 2;

const root = mkdtempSync(join(tmpdir(), 'rexverse-kills-'));
const photos = join(root, 'photos');
const hasPgrep = spawnSync('pgrep', ['-V']).error === undefined;

beforeAll(() => writeTestImages(photos, images));
afterAll(() => rmSync(root, { recursive: true }));

/** What a run has written about its entries. */
async function written(folder: string): Promise<string> {
  const names = await blockNames(folder);
  return names.map((name) => readFileSync(join(folder, 'blocks', name, 'outcomes.jsonl'), 'utf8')).join('');
}

/** Starts a run and says how it ended: its summary, or nothing when it was killed. */
function startRun(options: RunOptions): { child: ChildProcess; ended: Promise<RunSummary | undefined> } {
  const child = startChild('../src/rexverse/testing/run-child.ts', import.meta.url, [JSON.stringify(options)]);
  const ended = new Promise<RunSummary | undefined>((resolve) => {
    child.on('message', (summary) => resolve(summary as RunSummary));
    child.on('exit', () => resolve(undefined));
  });
  return { child, ended };
}

function workersOf(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid), '-f', 'work/worker'], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

describe.skipIf(!hasPgrep)('kill -9', () => {
  test(`${kills} times at random: each item once, equal bytes, at most one extra call for each kill and worker`, async () => {
    const random = createRandom(`rexverse kills ${process.env.REXVERSE_SEED ?? 1}`);
    const endpoint = await TestEndpoint.start({ delayMs: 4 });
    try {
      const settings = await testSettings(`${endpoint.url}#test`);
      const quick = { workers, concurrency: 1, retryPauseMs: 5, callPauseMs: 5, blockSize: 16 };
      await runRexverse({ ...quick, source: photos, settings, out: join(root, 'calm'), workers: 0, concurrency: 4 });
      const calls = endpoint.total;
      expect(endpoint.extra).toBe(0);

      const options = { ...quick, source: photos, settings, out: join(root, 'wild') };
      let run = startRun(options);
      let summary: RunSummary | undefined;
      let killed = 0;
      for (; killed < kills && summary === undefined; killed++) {
        // Half of the kills hit the process of the run, the others a worker.
        const before = endpoint.total;
        const wanted = before + random.int(1, Math.ceil((1.2 * calls) / kills));
        const isOver = () => run.child.exitCode !== null || endpoint.total >= wanted;
        while (!isOver()) await sleep(3);
        const [victim] = random.shuffle(workersOf(run.child.pid as number));
        if (random.chance(0.5) && victim !== undefined) process.kill(victim, 'SIGKILL');
        else {
          run.child.kill('SIGKILL');
          summary = await run.ended;
          if (summary === undefined) run = startRun(options);
        }
      }
      summary ??= await run.ended;
      expect(summary).toMatchObject({ entries: images, done: images, failed: 0, left: 0 });
      expect(await written(join(root, 'wild'))).toBe(await written(join(root, 'calm')));
      const extra = endpoint.total - 2 * calls;
      expect(extra).toBeGreaterThanOrEqual(0);
      expect(extra).toBeLessThanOrEqual(killed * workers);
    } finally {
      await endpoint.close();
    }
  });
});
