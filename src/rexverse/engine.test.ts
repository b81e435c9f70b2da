/** What the engine writes before it relies on it, and how many syncs that takes. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { ListedImage } from './collect/list.ts';
import { sha256 } from './content-key.ts';
import { runEngine } from './engine.ts';
import { type Collected, collectedFileName } from './open-block.ts';
import { blockFolder, createRun } from './run-folder.ts';
import { defaultImageFilters } from './stages/inspect.ts';
import type { Executor } from './work/executor.ts';
import type { Task } from './work/messages.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-engine-'));
afterAll(() => rmSync(root, { recursive: true }));

async function* listOf(count: number): AsyncGenerator<ListedImage> {
  for (let at = 0; at < count; at++) yield { name: `${at}`, file: `${at}.jpg` };
}

/** Finds every image at once and annotates none. */
function executorThat(onAnnotate: (task: Extract<Task, { kind: 'annotate' }>) => void): Executor {
  return {
    capacity: 64,
    run: async (task) => {
      if (task.kind === 'inspect') {
        const hash = sha256(task.entry.name);
        const inspection = { imageHash: hash, width: 300, height: 300, perceptualHash: hash.slice(0, 16) };
        return { kind: 'inspected', inspection, file: task.entry.file as string, isDownloaded: false };
      }
      onAnnotate(task);
      return { kind: 'filtered', stage: 'caption', reason: 'refused', made: 0, reused: 0 };
    },
    drain: () => {},
    close: async () => {},
  };
}

test('judgements share syncs, and none is relied on before it and all before it are on disk', async () => {
  const folder = join(root, 'run');
  const run = await createRun(folder, listOf(300), { id: 'test', root, fingerprint: {}, blockSize: 256 });
  const probe = await open(join(root, 'probe'), 'w');
  const writes = vi.spyOn(Object.getPrototypeOf(probe), 'appendFile');
  await probe.close();
  const written = (block: number) =>
    readFileSync(join(blockFolder(folder, block), collectedFileName), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as Collected).index);
  const missing: number[] = [];
  const executor = executorThat(({ entry, block }) => {
    const known = [...written(0), ...(block > 0 ? written(1) : [])];
    if (known.slice(0, entry.index + 1).some((index, at) => index !== at) || known.length <= entry.index)
      missing.push(entry.index);
  });
  const summary = await runEngine({
    ...{ folder, run, executor, attempts: 1, retryPauseMs: 0 },
    filters: { ...defaultImageFilters, duplicateBits: -1 },
  });
  const count = writes.mock.calls.filter(([text]) => `${text}`.startsWith('{"index":')).length;
  writes.mockRestore();
  expect(summary).toMatchObject({ entries: 300, filtered: 300, left: 0 });
  expect(missing).toEqual([]);
  expect(written(0)).toEqual([...Array(256).keys()]);
  expect(count).toBeGreaterThan(1);
  expect(count).toBeLessThan(100);
});
