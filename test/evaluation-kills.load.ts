/** `chatrex eval` on photographs with the bundled model: killed in the middle and resumed. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tellOfQuestions } from '../src/cli/testing/counted-eval.ts';
import { run } from '../src/cli/testing/run-program.ts';

const photographs = fileURLToPath(new URL('../../shared/photos/coco/', import.meta.url));
const script = fileURLToPath(new URL('../src/cli/testing/counted-eval.ts', import.meta.url));

/** Words of a command that asks the first four photographs. */
const wordsOf = (suite: string, folder: string) => [
  ...['eval', suite, '--data', `coco:${photographs}instances.json,images=${photographs}images`],
  ...['--model', 'photo', '--limit', '4', '--threads', '1', '--json', '--out', folder],
];

/** Runs the command in a process that is killed after a number of questions; what it asked. */
async function killedAfter(count: number, words: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  const asked: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    asked.push(line);
    if (asked.length === count) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  return asked;
}

/** Runs the command here; what it asked and its figures. */
async function runHere(words: readonly string[]) {
  const asked: string[] = [];
  const restore = tellOfQuestions((question) => asked.push(question));
  try {
    const { stdout, stderr, code } = await run(words);
    expect(code, stderr).toBe(0);
    const { counts, ...figures } = JSON.parse(stdout);
    return { asked, stderr, figures, counts };
  } finally {
    restore();
  }
}

/** A line each, without how long the question took. */
async function answersIn(folder: string): Promise<unknown[]> {
  const text = await readFile(join(folder, 'rows.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), seconds: 0 }));
}

describe.skipIf(!existsSync(photographs))('eval on photographs, killed in the middle and resumed', () => {
  it.each([
    ['coco', 3],
    ['regions', 9],
  ])('%s asks as many questions as once through, and gives the same figures and report', async (suite, at) => {
    const folder = await mkdtemp(join(tmpdir(), `chatrex-killed-${suite}-`));
    try {
      const [killed, whole] = ['killed', 'whole'].map((name) => join(folder, name));
      const before = await killedAfter(at, wordsOf(suite, killed));
      const kept = await answersIn(killed);
      // The question under way has no answer; a moment may pass between the kill and the end.
      expect(kept.length).toBeGreaterThanOrEqual(at - 1);
      expect(kept).toHaveLength(before.length - 1);
      expect(existsSync(join(killed, 'report.html'))).toBe(false);

      const once = await runHere(wordsOf(suite, whole));
      const after = await runHere(wordsOf(suite, killed));
      expect(after.asked).toEqual(once.asked.slice(kept.length));
      expect([...before.slice(0, kept.length), ...after.asked]).toEqual(once.asked);
      expect(after.stderr).toContain(`${after.asked.length} questions asked, ${kept.length} known, 0 failed`);
      expect(after.figures).toEqual(once.figures);
      expect({ ...after.counts, seconds: 0 }).toEqual({ ...once.counts, seconds: 0 });
      expect(await answersIn(killed)).toEqual(await answersIn(whole));
      expect(await readFile(join(killed, 'report.html'), 'utf8')).toContain('<img');

      // Nothing is left to ask.
      const again = await runHere(wordsOf(suite, killed));
      expect(again.asked).toEqual([]);
      expect(again.figures).toEqual(once.figures);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
