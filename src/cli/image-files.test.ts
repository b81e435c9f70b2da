import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { imageFiles } from './image-files.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-files-'));
  for (const name of ['A', 'B', 'mixed/inner', 'links', 'phone']) await mkdir(at(name), { recursive: true });
  const files = ['A/x.png', 'B/x.png', 'mixed/b.JPG', 'mixed/a.webp', 'mixed/inner/c.tif', 'mixed/notes.txt'];
  for (const name of [...files, 'mixed/p.heic', 'phone/q.HEIC']) await writeFile(at(name), '');
  await symlink('../A/x.png', at('links/one.png'));
  await symlink('../mixed', at('links/more'));
  await symlink('.', at('links/round'));
  await symlink('nowhere.png', at('links/dead.png'));
});
afterAll(() => rm(folder, { recursive: true }));

const placesOf = async (...paths: string[]) => (await imageFiles(paths)).images.map(({ place }) => place);

it('folders with all they hold, and what is left out', async () => {
  expect(await placesOf(at('mixed'))).toEqual(['a.webp', 'b.JPG', 'inner/c.tif']);
  expect((await imageFiles([at('mixed')])).leftOut).toEqual([at('mixed/p.heic')]);
  await expect(imageFiles([at('phone')])).rejects.toThrow(/holds no images.*convert .*q\.HEIC/);
});

it('links to files and folders, each folder once', async () => {
  expect(await placesOf(at('links'))).toEqual(['more/a.webp', 'more/b.JPG', 'more/inner/c.tif', 'one.png']);
});

it('no two files have one place', async () => {
  expect(await placesOf(at('A'), at('B'))).toEqual(['A/x.png', 'B/x.png']);
  expect(await placesOf(at('A/x.png'), at('B'), at('mixed'))).toEqual([
    ...['A/x.png', 'B/x.png'],
    ...['mixed/a.webp', 'mixed/b.JPG', 'mixed/inner/c.tif'],
  ]);
  expect(await placesOf(at('A/x.png'), at('A/x.png'))).toEqual(['x.png', 'x.png']);
});

it('what does not exist is told when its turn comes', async () => {
  expect(await placesOf('nowhere.png', '-')).toEqual(['nowhere.png', 'standard-input']);
});
