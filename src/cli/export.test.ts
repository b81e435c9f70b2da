/** `chatrex export --onnx` as a user meets it; what the files compute is tested in src/chatrex/export-onnx.test.ts. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { exportCommand } from './export.ts';

let folder: string;
let printed: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => exportCommand().exitOverride().parseAsync(args, { from: 'user' });
const tiny = new URL('../../fixtures/chatrex/tiny-gated', import.meta.url).pathname;

test('the files are named on stdout, with --json as the index has them', async () => {
  const out = join(folder, 'new', 'onnx');
  await run('--onnx', out, '--model', tiny);
  const named = printed.trim().split('\n');
  expect(named).toContain(join(out, 'language-model.onnx'));
  printed = '';
  await run('--onnx', out, '--model', tiny, '--json', '--force');
  expect(JSON.parse(printed)).toEqual(JSON.parse(await readFile(join(out, 'index.json'), 'utf8')).models);
  expect((await readdir(out)).filter((name) => name.endsWith('.onnx'))).toHaveLength(named.length);
});

test('files that exist are kept, all or none', async () => {
  await writeFile(join(folder, 'language-model.onnx'), 'mine');
  await expect(run('--onnx', folder, '--model', tiny)).rejects.toThrow(/language-model.onnx" exists.*--force/);
  expect(await readdir(folder)).toEqual(['language-model.onnx']);
});

test('options that do not go together are refused in one line', async () => {
  await expect(run('--onnx', folder, '--upn', 'runs/upn')).rejects.toThrow('--onnx writes a --model');
  await expect(run('--upn', 'runs/upn')).rejects.toThrow('give --out');
  await expect(run('--canvas', '64x64', '--out', folder)).rejects.toThrow('go with --onnx');
  await expect(run('--out', folder)).rejects.toThrow(/nothing to export.*--onnx/);
  await expect(run('--onnx', folder, '--canvas', 'large')).rejects.toThrow(/such as 1066x800/);
});
