import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { pullQuantized } from '../../chatrex/pull-quantized.ts';
import { writeReleasedFolder } from '../../chatrex/testing/released-folder.ts';
import { ChatRex } from '../../chatrex.ts';
import { expectError, useScratchFolder } from '../testing/support.ts';
import { cachedSnapshot, pulledModel } from './cache.ts';
import { hubSettings } from './environment.ts';
import { type PullOptions, type PullPlan, pullFile, pullModel } from './pull.ts';
import { parseRepository } from './repository.ts';
import type { Patience } from './requests.ts';
import { type Fault, type HubServer, startHubServer } from './testing/hub-server.ts';

const scratch = useScratchFolder();
const commit = '0123456789abcdef0123456789abcdef01234567';
const repository = { name: 'team/tiny', revision: 'main' };
const shard = (n: number) => `model-0000${n}-of-00008.safetensors`;
const patience: Patience = { attempts: 3, waitMs: 1, silenceMs: 60_000 };
let server: HubServer;
let count = 0;
let cache = '';
let options: PullOptions & { env: Record<string, string> };

beforeAll(async () => {
  await writeReleasedFolder(scratch('served'));
  server = await startHubServer(repository.name, scratch('served'), commit);
});
afterAll(() => server.close());
beforeEach(() => {
  cache = scratch(`cache-${count++}`);
  server.requests.length = 0;
  server.faults.clear();
  server.token = undefined;
  options = { env: { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, XDG_CACHE_HOME: cache }, patience };
});
afterEach(() => vi.unstubAllEnvs());

const fail = (path: string, ...faults: Fault[]) => server.faults.set(path, faults);
const asksFor = (path: string) => server.requests.filter((request) => request.path === `/cdn/${path}`);
const folder = () => join(cache, 'models--team--tiny');

test('names of repositories are told from paths', () => {
  expect(parseRepository('IDEA-Research/ChatRex-7B')).toEqual({ name: 'IDEA-Research/ChatRex-7B', revision: 'main' });
  expect(parseRepository('a/b#refs/pr/1')).toEqual({ name: 'a/b', revision: 'refs/pr/1' });
  for (const text of ['nano', './a/b', '../b', '/a/b', 'a/b/c', 'a/../b', 'a/b#../x', 'a/b#', 'a\\b', 'a/b#x y']) {
    expect(parseRepository(text)).toBeUndefined();
  }
});

test('a pulled model lies as the tools of Hugging Face have it, and is not fetched again', async () => {
  const seen: number[] = [];
  const snapshot = await pullModel(repository, {
    ...options,
    onProgress: ({ doneBytes, totalBytes }) => seen.push(doneBytes / totalBytes),
  });
  expect(snapshot).toBe(join(folder(), 'snapshots', commit));
  expect(readFileSync(join(folder(), 'refs/main'), 'utf8')).toBe(commit);
  const names = (await readdir(snapshot)).sort();
  expect(names).toContain('added_tokens.json');
  expect(names).not.toContain('modeling.py');
  for (const name of names) {
    expect(lstatSync(join(snapshot, name)).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(snapshot, name))).toMatch(/^\.\.\/\.\.\/blobs\/([0-9a-f]{40}|[0-9a-f]{64})$/);
    expect(await readFile(join(snapshot, name))).toEqual(await readFile(join(scratch('served'), name)));
  }
  expect(seen.at(-1)).toBe(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  server.requests.length = 0;
  expect(await pullModel(repository, options)).toBe(snapshot);
  expect(server.requests.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  expect(cachedSnapshot(repository, cache)).toBe(snapshot);
});

test('from pull to an answer, by its name', async () => {
  await pullModel(repository, options);
  vi.stubEnv('HF_HUB_CACHE', cache);
  const answers: (readonly number[])[] = [];
  for (const name of ['team/tiny', scratch('served')]) {
    const model = await ChatRex.load(name);
    const image = await model.encode('fixtures/chatrex/tiny-image.png', { boxes: Float64Array.of(4, 3, 20, 30) });
    answers.push((await image.ask('What is <obj0>?', { maxTokens: 6, isConstrained: false })).ids);
    await model.dispose();
  }
  expect(answers[0]).toEqual(answers[1]);
});

test('a name that was not pulled says how to, and nothing is fetched', async () => {
  vi.stubEnv('HF_HUB_CACHE', cache);
  vi.stubEnv('HF_ENDPOINT', server.endpoint);
  await expectError(
    ChatRex.load('team/tiny'),
    'not-found',
    /neither a folder nor in the cache.*chatrex pull team\/tiny/,
  );
  expect(server.requests).toEqual([]);
});

test('a cut download continues where it was cut', async () => {
  fail(shard(2), 'cut', 'cut');
  await pullModel(repository, options);
  const ranges = asksFor(shard(2)).map(({ range }) => range);
  expect(ranges[0]).toBeUndefined();
  expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  expect(ranges.length).toBeGreaterThan(1);
});

test('what an earlier run left is continued, whatever it is', async () => {
  await pullModel(repository, options);
  const blob = join(folder(), 'snapshots', commit, readlinkSync(join(folder(), 'snapshots', commit, shard(3))));
  const bytes = await readFile(blob);
  for (const left of [bytes.subarray(0, 100), Buffer.alloc(100), Buffer.alloc(bytes.length + 5)]) {
    await rm(blob);
    await writeFile(`${blob}.incomplete`, left);
    expect(pulledModel('team/tiny', options.env)).toBeUndefined();
    await pullModel(repository, options);
    expect((await readFile(blob)).equals(bytes)).toBe(true);
    expect(existsSync(`${blob}.incomplete`)).toBe(false);
  }
});

test('busy servers, slow starts and servers without ranges are borne', async () => {
  fail(shard(1), { status: 503 }, { status: 429 });
  fail(shard(4), { delayMs: 100 });
  fail(shard(5), 'cut', 'whole');
  fail('config.json', { status: 500 });
  const snapshot = await pullModel(repository, options);
  for (const name of [shard(1), shard(4), shard(5), 'config.json']) {
    expect(await readFile(join(snapshot, name))).toEqual(await readFile(join(scratch('served'), name)));
  }
});

test('a silent server is asked again', async () => {
  fail(shard(6), 'silence');
  // On a busy machine other servers may be taken for silent too, and are asked again.
  await pullModel(repository, { ...options, patience: { ...patience, attempts: 100, silenceMs: 150 } });
  expect(asksFor(shard(6)).length).toBeGreaterThanOrEqual(2);
});

test('a wrong byte is noticed: once it is fetched again, twice it is told', async () => {
  fail(shard(7), 'wrong');
  await pullModel(repository, options);
  expect(asksFor(shard(7)).length).toBe(2);
  await rm(cache, { recursive: true });
  fail('config.json', 'wrong', 'wrong');
  await expectError(
    pullModel(repository, options),
    'invalid-file',
    /with the hash [0-9a-f]{40}, expected [0-9a-f]{40}, twice/,
  );
  expect(pulledModel('team/tiny', options.env)).toBeUndefined();
});

test('the token goes to the Hub and not to where it redirects', async () => {
  server.token = 'hf_secret';
  await expectError(
    pullModel(repository, options),
    'not-found',
    /team\/tiny does not exist, or is private: .*HF_TOKEN/,
  );
  await pullModel(repository, { ...options, env: { ...options.env, HF_TOKEN: 'hf_secret' } });
  const large = server.requests.filter(({ path }) => path.startsWith('/cdn/'));
  expect(large.length).toBe(8);
  expect(large.every(({ authorization }) => authorization === undefined)).toBe(true);
});

test.each<[string, () => Promise<unknown>, Parameters<typeof expectError>[1], RegExp]>([
  [
    'a repository that is missing',
    () => pullModel({ name: 'team/gone', revision: 'main' }, options),
    'not-found',
    /team\/gone does not exist: check the name/,
  ],
  [
    'a revision that is missing',
    () => pullModel({ ...repository, revision: 'v9' }, options),
    'not-found',
    /team\/tiny#v9 does not exist/,
  ],
  [
    'a server that stays busy',
    () => {
      fail(shard(1), ...Array<Fault>(3).fill({ status: 429 }));
      return pullModel(repository, options);
    },
    'runtime',
    /fewer requests/,
  ],
  [
    'no network',
    () => pullModel(repository, { ...options, env: { ...options.env, HF_ENDPOINT: 'http://127.0.0.1:9' } }),
    'runtime',
    /127\.0\.0\.1:9 cannot be reached .*run the command again: it continues/,
  ],
  [
    'consent that is refused',
    () => pullModel(repository, { ...options, confirm: async () => false }),
    'aborted',
    /was not fetched/,
  ],
  [
    'an abort',
    () => pullModel(repository, { ...options, signal: AbortSignal.abort() }),
    'aborted',
    /cancelled; what came is kept/,
  ],
])('%s is one sentence', (_, action, code, message) => expectError(action(), code, message).then(() => {}));

test('consent is asked with the size of what is missing alone', async () => {
  const asked: number[] = [];
  const confirm = async ({ bytes }: PullPlan) => asked.push(bytes) > 0;
  await pullModel(repository, { ...options, confirm });
  await rm(join(folder(), 'blobs'), { recursive: true });
  await pullModel(repository, { ...options, confirm });
  await pullModel(repository, { ...options, confirm });
  expect(asked[0]).toBeGreaterThan(1000);
  expect(asked).toEqual([asked[0], asked[0]]);
});

test('offline only the cache is read', async () => {
  const offline = { ...options, env: { ...options.env, HF_HUB_OFFLINE: '1' } };
  await expectError(pullModel(repository, offline), 'not-found', /team\/tiny is not in the cache, and HF_HUB_OFFLINE/);
  expect(server.requests).toEqual([]);
  const snapshot = await pullModel(repository, options);
  server.requests.length = 0;
  expect(await pullModel(repository, offline)).toBe(snapshot);
  expect(server.requests).toEqual([]);
});

test('a proxy of the environment is used, but for hosts of NO_PROXY', async () => {
  const through = { ...options, env: { ...options.env, HTTP_PROXY: 'http://127.0.0.1:9' } };
  await expectError(pullModel(repository, through), 'runtime', /cannot be reached/);
  await pullModel(repository, { ...through, env: { ...through.env, NO_PROXY: '127.0.0.1,localhost' } });
});

test('the settings are those of the tools of Hugging Face', () => {
  expect(hubSettings({ HF_HOME: '/h' }).cacheFolder).toBe(join('/h', 'hub'));
  expect(hubSettings({ XDG_CACHE_HOME: '/x' }).cacheFolder).toBe(join('/x', 'huggingface', 'hub'));
  expect(hubSettings({ HF_ENDPOINT: 'http://mirror/' }).endpoint).toBe('http://mirror');
  expect(hubSettings({ HF_HUB_OFFLINE: '0' }).isOffline).toBe(false);
});

test('a published file is fetched by its address, continued and kept', async () => {
  fail(shard(1), 'cut');
  const path = await pullFile(`${server.endpoint}/cdn/${shard(1)}`, options);
  expect(path).toBe(join(cache, 'chatrex', shard(1)));
  expect(await readFile(path)).toEqual(await readFile(join(scratch('served'), shard(1))));
  server.requests.length = 0;
  await pullFile(`${server.endpoint}/cdn/${shard(1)}`, options);
  expect(server.requests).toEqual([]);
});

test('quantised as it arrives it is what quantising the whole gives, and one shard is on the disk at a time', async () => {
  const { quantize } = await import('../../chatrex/quantize.ts');
  const { openCheckpoint } = await import('../checkpoint.ts');
  await quantize(scratch('served'), scratch('whole-int4'), { language: 'int4' });
  fail(shard(5), ...Array<Fault>(3).fill({ status: 503 }));
  const target = scratch('arrived-int4');
  const held: number[] = [];
  const onShard = () => held.push(largeBlobs().length);
  const run = () => pullQuantized(repository, target, { language: 'int4' }, { ...options, onShard });
  await expectError(run(), 'runtime', /status 503/);
  expect(existsSync(target)).toBe(false);
  server.requests.length = 0;
  await run();
  // What was done before the failure is not fetched again.
  expect(asksFor(shard(4))).toEqual([]);
  expect(asksFor(shard(5)).length).toBe(1);
  expect(Math.max(...held)).toBe(0);
  expect(largeBlobs()).toEqual([]);
  const [whole, arrived] = [await openCheckpoint(scratch('whole-int4')), await openCheckpoint(target)];
  expect([...arrived.tensors.keys()].sort()).toEqual([...whole.tensors.keys()].sort());
  for (const name of whole.tensors.keys()) expect(await arrived.read(name)).toEqual(await whole.read(name));
  const model = await ChatRex.load(target);
  await model.dispose();
});

const largeBlobs = () => readdirSync(join(folder(), 'blobs')).filter((name) => name.length === 64);
