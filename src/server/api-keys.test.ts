import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKeyCheck, readApiKeys, shownKey } from './api-keys.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

const written = async (text: string) => {
  const path = join(folder, 'keys.txt');
  await writeFile(path, text);
  return path;
};

it('reads keys, one a line', async () => {
  expect(await readApiKeys(await written('# people\n0123456789abcdef\n\n fedcba9876543210 \r\n'))).toEqual([
    '0123456789abcdef',
    'fedcba9876543210',
  ]);
});

it.each([
  ['', /no keys/],
  ['short\n', /:1: a key has fewer than 16/],
  ['0123456789abcdef\nwith space in it, long\n', /:2: expected a key/],
])('refuses %j without telling keys', async (text, message) => {
  const failure = readApiKeys(await written(text));
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.not.toThrow(/0123456789abcdef|with space/);
});

it('says which file is missing', async () => {
  await expect(readApiKeys(join(folder, 'none'))).rejects.toThrow(/none cannot be read/);
});

it('knows its keys and nothing near them', () => {
  const check = createKeyCheck(['alpha', 'beta']);
  expect(['alpha', 'beta'].map(check)).toEqual([0, 1]);
  for (const shown of ['', 'alph', 'alpha ', 'ALPHA', 'alphabeta']) expect(check(shown)).toBeUndefined();
  expect(createKeyCheck([])('')).toBeUndefined();
});

it('takes a key from the headers that clients use', () => {
  const shown = (headers: Record<string, string>) => shownKey((name) => headers[name]);
  expect(shown({ authorization: 'Bearer k' })).toBe('k');
  expect(shown({ authorization: 'bearer k' })).toBe('k');
  expect(shown({ 'x-moondream-auth': 'k' })).toBe('k');
  expect(shown({ authorization: 'Basic k' })).toBeUndefined();
});
