/**
 * The same engine through a queue: real servers, workers that are killed, a server that is killed and comes back.
 * `npm run test:rexverse`
 */

import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../src/rexverse/content-key.ts';
import { type RunOptions, runRexverse } from '../src/rexverse/run.ts';
import { readRunFile } from '../src/rexverse/run-folder.ts';
import { TestEndpoint } from '../src/rexverse/testing/endpoint.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import {
  hasPostgres,
  hasRedis,
  startPostgres,
  startRedis,
  type TestService,
} from '../src/rexverse/testing/services.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';
import { startChild } from '../src/workers/start-child.ts';

const images = 12;
const root = mkdtempSync(join(tmpdir(), 'rexverse-queue-'));
// PostgreSQL may have to run as another user.
chmodSync(root, 0o755);
const photos = join(root, 'photos');
const calm = join(root, 'calm');
let endpoint: TestEndpoint;
let quick: Omit<RunOptions, 'out'>;
let calls = 0;

beforeAll(async () => {
  await writeTestImages(photos, images);
  endpoint = await TestEndpoint.start({ delayMs: 4 });
  const settings = await testSettings(`${endpoint.url}#test`);
  quick = { source: photos, settings, blockSize: 8, retryPauseMs: 5, callPauseMs: 5 };
  await runRexverse({ ...quick, out: calm, workers: 0, concurrency: 4 });
  calls = endpoint.total;
});
afterAll(async () => {
  await endpoint.close();
  rmSync(root, { recursive: true, force: true });
});

/** Hash of what a run has written about its entries. */
const written = (folder: string) =>
  sha256(...['000000', '000001'].map((name) => readFileSync(join(folder, 'blocks', name, 'outcomes.jsonl'))));

/**
 * Starts a worker as soon as the run has a folder to share. A lock of ten seconds: a shorter one would be lost by
 * workers of a busy machine too, not only by those that were killed.
 */
async function startWorker(folder: string, queue: string): Promise<ChildProcess> {
  while (!(await readRunFile(folder))) await sleep(20);
  const options = { folder, queue, workers: 1, concurrency: 1, lockMs: 10_000, callPauseMs: 5 };
  return startChild('../src/rexverse/testing/work-child.ts', import.meta.url, [JSON.stringify(options)]);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}

async function throughQueue(service: TestService, name: string, disturb: (workers: ChildProcess[]) => Promise<void>) {
  const out = join(root, name);
  const before = endpoint.total;
  const running = runRexverse({ ...quick, out, queue: service.url });
  const workers = [await startWorker(out, service.url), await startWorker(out, service.url)];
  try {
    const reached = async (share: number) => {
      while (endpoint.total - before < share * calls) await sleep(5);
    };
    await reached(0.3);
    await disturb(workers);
    const summary = await running;
    expect(summary).toMatchObject({ entries: images, done: images, failed: 0, left: 0 });
    expect(written(out)).toBe(written(calm));
    return endpoint.total - before - calls;
  } finally {
    await Promise.all(workers.map(stop));
  }
}

describe.skipIf(!hasRedis)('Redis', () => {
  let redis: TestService;
  beforeAll(async () => {
    redis = await startRedis(join(root, 'redis'));
  });
  afterAll(() => redis?.stop());

  test('a worker is killed, and Redis is killed and comes back: equal bytes, at most one extra call for each', async () => {
    const extra = await throughQueue(redis, 'through-redis', async ([first]) => {
      first.kill('SIGKILL');
      await sleep(100);
      await redis.restart();
    });
    // The killed worker loses a call; so may each worker whose task was given to another while Redis was away.
    expect(extra).toBeGreaterThanOrEqual(0);
    expect(extra).toBeLessThanOrEqual(3);
  });
});

describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  let postgres: TestService;
  beforeAll(async () => {
    postgres = await startPostgres(join(root, 'postgres'));
  });
  afterAll(() => postgres?.stop());

  test('a worker is killed: equal bytes, at most one extra call', async () => {
    const extra = await throughQueue(postgres, 'through-postgres', async ([first]) => {
      first.kill('SIGKILL');
    });
    expect(extra).toBeGreaterThanOrEqual(0);
    expect(extra).toBeLessThanOrEqual(1);
  });
});
