import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { evalCommand } from '../eval.ts';

const photos = fileURLToPath(new URL('../../../../shared/photos/coco/', import.meta.url));
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-killed-'));
  vi.stubEnv('CHATREX_CACHE', join(folder, 'cache'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];

/** Starts the command in a process and kills it as soon as it has written a row or two. */
async function kill(words: readonly string[], rows: string): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'eval', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // Progress comes with each answer.
  child.stderr.on('data', () => {
    if (linesOf(rows).length > 0) child.kill('SIGKILL');
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('exit', (...how) => resolve(how)),
  );
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

async function finish(words: readonly string[]) {
  let out = '';
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += chunk;
    return true;
  });
  await evalCommand().parseAsync([...words, '--json'], { from: 'user' });
  vi.restoreAllMocks();
  return JSON.parse(out);
}

describe.skipIf(!existsSync(photos))('photographs and the bundled detector', () => {
  it.each(['coco', 'regions'])('%s: killed in the middle and resumed asks as much as once through', async (suite) => {
    const data = `coco:${photos}instances.json,images=${photos}images`;
    const words = [suite, '--data', data, '--model', 'photo', '--limit', '3', '--threads', '1'];
    const rows = join(folder, suite, 'rows.jsonl');
    await kill([...words, '--out', join(folder, suite)], rows);
    const before = linesOf(rows).length;
    const resumed = await finish([...words, '--out', join(folder, suite)]);
    expect(before).toBeLessThan(resumed.counts.questions);
    // No question has two rows.
    expect(linesOf(rows)).toHaveLength(resumed.counts.questions);
    expect(existsSync(join(folder, suite, 'report.html'))).toBe(true);
  });
});
