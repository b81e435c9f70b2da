import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Derivation, derive, openDerived } from './derived.ts';

let root: string;
let log: string;
let derivation: Derivation<number>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'derived-'));
  log = join(root, 'log');
  await writeFile(log, '');
  derivation = {
    folder: join(root, 'values'),
    size: 10,
    blockSize: 4,
    worker: { module: './testing/derive-worker.ts', base: import.meta.url, data: log },
    unpack: ({ byteLength }) => byteLength,
  };
});
afterEach(() => rm(root, { recursive: true }));

const asked = async () => (await readFile(log, 'utf8')).trim().split('\n').filter(Boolean).sort();

test('every index has its value, and a value that failed has its reason', async () => {
  const seen: number[] = [];
  const values = await derive(derivation, { threads: 2, onProgress: (done) => seen.push(done) });
  expect(await Promise.all([0, 3, 4, 9].map((index) => values.at(index)))).toEqual([0, 3, 4, 9]);
  await expect(values.at(5)).rejects.toThrow('image 5 cannot be read');
  await expect(values.at(10)).rejects.toThrow(/0 to 9/);
  expect(seen.at(-1)).toBe(10);
  expect((await readdir(derivation.folder)).sort()).toEqual(['0-4.block', '4-8.block', '8-10.block']);
});

test('what is there is not computed again; a block that was cut or is gone is', async () => {
  await derive(derivation, { threads: 1 });
  await derive(derivation, { threads: 1 });
  expect(await asked()).toEqual(['0-4', '4-8', '8-10']);
  await truncate(join(derivation.folder, '4-8.block'), 60);
  await rm(join(derivation.folder, '8-10.block'));
  await expect(openDerived(derivation).at(6)).rejects.toThrow(/was cut/);
  const values = await derive(derivation, { threads: 1 });
  expect(await asked()).toEqual(['0-4', '4-8', '4-8', '8-10', '8-10']);
  expect(await values.at(6)).toBe(6);
});

test('machines that share a folder each compute their blocks, and together all', async () => {
  for (const index of [0, 1]) await derive(derivation, { threads: 1, shard: { index, count: 2 } });
  expect(await asked()).toEqual(['0-4', '4-8', '8-10']);
  expect(await openDerived(derivation).at(9)).toBe(9);
});

test('values that were never computed are named', async () => {
  await expect(openDerived(derivation).at(1)).rejects.toMatchObject({ code: 'not-found' });
});
