import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { worldCommand } from './world.ts';

afterEach(() => vi.restoreAllMocks());

function run(...words: string[]): Promise<unknown> {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const command = worldCommand();
  command.commands[0].exitOverride();
  return command.parseAsync(['render', ...words], { from: 'user' });
}

it('writes images, annotations, conversations and a contact sheet', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chatrex-world-'));
  const out = join(folder, 'scenes');
  const words = ['--seed', '3', '--count', '2', '--split', 'val', '--size', '64', '--format', 'jpg', '--out', out];
  await run(...words);
  expect((await readdir(out)).sort()).toEqual([
    'contact-sheet.png',
    'conversations.jsonl',
    'images',
    'instances_coarse.json',
    'instances_fine.json',
  ]);
  expect((await readdir(join(out, 'images'))).sort()).toEqual(['val-000000.jpg', 'val-000001.jpg']);
  const { images } = JSON.parse(await readFile(join(out, 'instances_fine.json'), 'utf8'));
  expect(images[1]).toMatchObject({ id: 2, width: 64, height: 64 });
  await expect(run(...words)).rejects.toThrow(/does not exist yet/);
  await rm(folder, { recursive: true });
});

it.each([
  [['--seed', '-1'], /'-1' is invalid. expected a whole number from 0/],
  [['--count', '1000001'], /expected a whole number from 1 to 1000000/],
  [['--size', '32'], /expected a whole number from 64 to 4096/],
  [['--split', 'dev'], /train, val, test/],
  [['--format', 'gif'], /png, jpg/],
])('refuses %j', async (wrong, message) => {
  const words = ['--seed', '3', '--count', '2', '--split', 'val', '--out', join(tmpdir(), 'never'), ...wrong];
  await expect(run(...words)).rejects.toThrow(message);
});
