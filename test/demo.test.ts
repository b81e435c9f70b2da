/** The demo on the bundled model: every question gets an answer that is printed and drawn. */

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { decodeImage } from '../src/image/decode.ts';

const demo = fileURLToPath(new URL('../src/cli/demo.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');

test('the demo finds boxes, answers four questions and draws the answers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chatrex-demo-'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, demo], { cwd: folder });
    const boxes = Number(/(\d+) boxes found/.exec(stdout)?.[1]);
    expect(boxes).toBeGreaterThan(1);
    const questions = [...stdout.matchAll(/^> (.+)\n {2}(.+)$/gm)];
    expect(questions).toHaveLength(4);
    for (const [, question, answer] of questions) {
      expect(question).toMatch(/detect|How many|briefly describe|Is there/);
      // Indices in brackets are those of boxes that were found.
      for (const [, list] of answer.matchAll(/\[([\d, ]+)\]/g)) {
        for (const index of list.split(', ')) expect(Number(index)).toBeLessThan(boxes);
      }
    }
    const drawings = await readdir(join(folder, 'out', 'demo'));
    expect(drawings.sort()).toEqual(['absent.png', 'count.png', 'describe.png', 'detect.png']);
    const { width, height } = await decodeImage(join(folder, 'out', 'demo', 'detect.png'));
    expect(Math.min(width, height)).toBeGreaterThan(500);
  } finally {
    await rm(folder, { recursive: true });
  }
});
