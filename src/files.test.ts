import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { naming, writeAll, writeBeside, writeNamed } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-writing-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A device that takes no bytes, as a full disk. */
const full = '/dev/full';
const fullDisk = (path: string) => ({
  name: 'ChatRexError',
  code: 'runtime',
  message: `cannot write ${path}: the disk is full; free some of it, or name a place on another (ENOSPC)`,
});

describe.skipIf(!existsSync(full))('a full disk', () => {
  it('is told in one line that names the file', async () => {
    await expect(writeNamed(full, 'bytes')).rejects.toMatchObject(fullDisk(full));
  });

  it('leaves the file as it was, and nothing beside it', async () => {
    const path = join(folder, 'kept.txt');
    await writeFile(path, 'old');
    const writing = writeBeside(path, async () => {
      const device = await open(full, 'w');
      await writeAll(device, Uint8Array.of(1)).finally(() => device.close());
    });
    await expect(writing).rejects.toMatchObject(fullDisk(path));
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['kept.txt']);
  });
});

it('failures that are not of writing keep their own words', async () => {
  await expect(naming('out', () => readFile(join(folder, 'nowhere')))).rejects.toThrow(/^ENOENT/);
  await expect(naming('out', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});
