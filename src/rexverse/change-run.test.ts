/** Entries that have failed are tried again, and a run grows: in the end it is the run that was never disturbed. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type RunOptions, runRexverse } from './run.ts';
import { TestEndpoint } from './testing/endpoint.ts';
import { writeTestImages } from './testing/images.ts';
import { testSettings } from './testing/settings.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-change-'));
afterAll(() => rmSync(root, { recursive: true }));

const filesOf = (run: string, name: string) =>
  readdirSync(join(run, 'blocks')).map((block) => readFileSync(join(run, 'blocks', block, name), 'utf8'));

test('failed entries are tried again, new images are appended, and no call is made twice', async () => {
  const photos = join(root, 'photos');
  const later = join(root, 'later');
  await writeTestImages(photos, 10);
  mkdirSync(later);
  for (const name of readdirSync(photos).slice(6)) renameSync(join(photos, name), join(later, name));
  let isBroken = true;
  const refused = new Set<string>();
  const endpoint = await TestEndpoint.start({
    fault: ({ stage, key }) => {
      if (!isBroken || stage !== 'caption') return undefined;
      if (refused.size < 3) refused.add(key);
      return refused.has(key) ? { kind: 'status', status: 500 } : undefined;
    },
  });
  try {
    const settings = await testSettings(`${endpoint.url}#test`);
    const quick = { source: photos, settings, workers: 0, concurrency: 4, retryPauseMs: 1, callPauseMs: 1 };
    const run = (name: string, options: Partial<RunOptions> = {}) =>
      runRexverse({ ...quick, out: join(root, name), blockSize: 4, callTries: 1, attempts: 2, ...options });
    const first = await run('changed');
    expect(first.failed).toBeGreaterThan(0);
    expect(first.done).toBeGreaterThan(0);
    isBroken = false;
    expect(await run('changed')).toMatchObject({ failed: first.failed, made: 0 });
    expect(await run('changed', { isRetryingFailed: true })).toMatchObject({ entries: 6, done: 6, failed: 0 });

    for (const name of readdirSync(later)) renameSync(join(later, name), join(photos, name));
    expect(await run('changed')).toMatchObject({ entries: 6, left: 0 });
    expect(await run('changed', { isExtending: true })).toMatchObject({ entries: 10, done: 10, left: 0 });
    const made = endpoint.total;
    expect(await run('changed', { isExtending: true, isRetryingFailed: true })).toMatchObject({ entries: 10, made: 0 });
    expect(endpoint.total).toBe(made);

    expect(await run('calm')).toMatchObject({ entries: 10, done: 10 });
    expect(filesOf(join(root, 'changed'), 'outcomes.jsonl')).toEqual(filesOf(join(root, 'calm'), 'outcomes.jsonl'));
    expect(readFileSync(join(root, 'changed', 'list.jsonl'), 'utf8')).toBe(
      readFileSync(join(root, 'calm', 'list.jsonl'), 'utf8'),
    );
    await run('shards', { shard: { index: 0, of: 2 } });
    await expect(run('shards', { shard: { index: 0, of: 2 }, isExtending: true })).rejects.toThrow(/cannot grow/);
  } finally {
    await endpoint.close();
  }
});
