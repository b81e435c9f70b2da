import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileRoots, openFileRoots } from './file-roots.ts';

describe('files that an agent may name', () => {
  let folder: string;
  let roots: FileRoots;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatrex-roots-'));
    for (const name of ['photos', 'photos/inner', 'photos2', 'more']) await mkdir(join(folder, name));
    for (const name of ['photos/a.png', 'photos/inner/b.png', 'photos2/c.png', 'more/d.png', 'secret.png']) {
      await writeFile(join(folder, name), name);
    }
    await symlink(join(folder, 'secret.png'), join(folder, 'photos/link.png'));
    await symlink(folder, join(folder, 'photos/up'));
    await symlink(join(folder, 'photos/a.png'), join(folder, 'photos/alias.png'));
    await symlink(join(folder, 'photos'), join(folder, 'also'));
    execFileSync('mkfifo', [join(folder, 'photos/pipe.png')]);
    roots = await openFileRoots([join(folder, 'photos'), join(folder, 'more')]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (name: string) => Buffer.from(await roots.read(name, 100)).toString();

  it('are those within the folders, by path, address or link inside', async () => {
    expect(await read(join(folder, 'photos/a.png'))).toBe('photos/a.png');
    expect(await read('inner/b.png')).toBe('photos/inner/b.png');
    expect(await read(pathToFileURL(join(folder, 'more/d.png')).href)).toBe('more/d.png');
    expect(await read('alias.png')).toBe('photos/a.png');
    expect(await read(join(folder, 'also/a.png'))).toBe('photos/a.png');
  });

  it.each([
    '../secret.png',
    'link.png',
    'up/secret.png',
    '../photos2/c.png',
    'none.png',
    '/etc/passwd',
    '',
    '.',
    'inner/..',
  ])('are not %j', async (name) => {
    await expect(read(name)).rejects.toThrow(/not a file within the folders/);
  });

  it.each([
    ['inner', /not a file/],
    ['pipe.png', /not a file/],
    ['file://other-machine/a.png', /not the address of a file/],
    ['a.png\0.txt', /not a file within/],
  ])('are not %j', async (name, message) => {
    await expect(read(name)).rejects.toThrow(message);
  });

  it('are bounded in size', async () => {
    await expect(roots.read('a.png', 3)).rejects.toThrow(/more than the 3 bytes/);
  });

  it('are none without folders, and folders must be there', async () => {
    const none = await openFileRoots([]);
    await expect(none.read(join(folder, 'photos/a.png'), 100)).rejects.toThrow(/--root FOLDER/);
    await expect(openFileRoots([join(folder, 'nowhere')])).rejects.toThrow(/not a folder/);
    await expect(openFileRoots([join(folder, 'secret.png')])).rejects.toThrow(/not a folder/);
  });
});
