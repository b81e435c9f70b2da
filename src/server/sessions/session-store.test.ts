import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPlace, memoryPlace, type SessionPlace } from './session-place.ts';
import { type SessionLimits, SessionStore } from './session-store.ts';

const limits: SessionLimits = { maxSessions: 3, maxBytes: 2000, maxAgeMs: 86_400_000, maxImageBytes: 900 };
const day = 86_400_000;

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sessions-'));
});
afterAll(() => rm(root, { recursive: true }));

let folders = 0;
const places: [string, () => Promise<SessionPlace>][] = [
  ['in memory', async () => memoryPlace()],
  ['in a folder', () => folderPlace(join(root, String(folders++)))],
];

const image = (size: number, fill = 1) => {
  const bytes = Buffer.alloc(size, fill);
  return { bytes, kept: { bytes: size, type: 'image/png' } };
};

describe.each(places)('sessions %s', (_, place) => {
  const open = async (changed: Partial<SessionLimits> = {}) => {
    const clock = { now: 1_000_000 };
    return { clock, store: new SessionStore(await place(), { ...limits, ...changed }, () => clock.now) };
  };
  const keep = async (store: SessionStore, size = 100, fill = 1) => {
    const { bytes, kept } = image(size, fill);
    const { id } = await store.create([kept], '{"a":1}');
    await store.addImage(id, 0, bytes);
    return { id, kept, bytes };
  };

  it('are opened as they were kept, by an id that nobody guesses', async () => {
    const { store, clock } = await open();
    const { id, kept, bytes } = await keep(store);
    expect(id).toMatch(/^[\w-]{22}$/);
    const { state, session, expiresAt } = await store.open(id);
    expect([state, session.images, expiresAt]).toEqual(['{"a":1}', [kept], clock.now + day]);
    expect(Buffer.from((await store.image(id, 0)).bytes)).toEqual(bytes);
    expect((await keep(store)).id).not.toBe(id);
    for (const wrong of ['', 'x', '../../../etc/passwd', `${id}/..`, id.replace(/.$/, '')]) {
      await expect(store.open(wrong)).rejects.toMatchObject({ status: 404, apiCode: 'session_not_found' });
    }
    await expect(store.image(id, 1)).rejects.toMatchObject({ status: 404 });
    await store.remove(id);
    await expect(store.open(id)).rejects.toMatchObject({ status: 404 });
  });

  it('are there when their last image has come, and not before', async () => {
    const { store, clock } = await open();
    const [one, two] = [image(10, 1), image(20, 2)];
    const { id } = await store.create([one.kept, two.kept], 'null');
    expect(await store.addImage(id, 0, one.bytes)).toBe(false);
    await expect(store.open(id)).rejects.toMatchObject({ status: 404 });
    await expect(store.addImage(id, 1, one.bytes)).rejects.toMatchObject({ status: 400 });
    await expect(store.addImage(id, 2, two.bytes)).rejects.toMatchObject({ status: 404 });
    const twice = await Promise.all([1, 2].map(() => store.addImage(id, 1, two.bytes)));
    expect(twice).toEqual([true, true]);
    expect((await store.open(id)).session.images).toHaveLength(2);
    const late = await store.create([one.kept], 'null');
    clock.now += 3_600_001;
    await expect(store.addImage(late.id, 0, one.bytes)).rejects.toMatchObject({ status: 404 });
    const empty = await store.create([], '[]');
    expect((await store.open(empty.id)).state).toBe('[]');
  });

  it('go when their time is over, and the oldest when there is no room', async () => {
    const { store, clock } = await open();
    const first = await keep(store, 100);
    clock.now += 1;
    const second = await keep(store, 100);
    clock.now += 1;
    await keep(store, 100);
    clock.now += 1;
    // A fourth is one too many.
    const fourth = await keep(store, 100);
    await expect(store.open(first.id)).rejects.toMatchObject({ status: 404 });
    await store.open(second.id);
    clock.now += 1;
    // Room for two of this size beside one of the others.
    await keep(store, 890, 2);
    clock.now += 1;
    await keep(store, 890, 3);
    await expect(store.open(second.id)).rejects.toMatchObject({ status: 404 });
    await store.open(fourth.id);
    clock.now += day + 1;
    await expect(store.open(fourth.id)).rejects.toThrow(/1 day/);
    await store.sweep();
    clock.now -= 2 * day;
    await expect(store.open(fourth.id)).rejects.toMatchObject({ status: 404 });
  });

  it('that are too large are refused before a byte of them is kept', async () => {
    const { store } = await open();
    const other = await keep(store, 100);
    await expect(store.create([image(901).kept], 'null')).rejects.toMatchObject({ status: 413 });
    await expect(store.create([image(600, 1).kept, image(600, 2).kept], 'null')).rejects.toMatchObject({
      status: 413,
      apiCode: 'session_too_large',
    });
    await store.open(other.id);
    const { store: none } = await open({ maxBytes: 0 });
    await expect(none.create([], 'null')).rejects.toMatchObject({ status: 403 });
  });

  it('stay within their bounds when many come at once', async () => {
    const { store } = await open();
    const made = await Promise.all(Array.from({ length: 12 }, () => store.create([], 'null')));
    const found = await Promise.allSettled(made.map(({ id }) => store.open(id)));
    expect(found.filter(({ status }) => status === 'fulfilled')).toHaveLength(limits.maxSessions);
  });
});

it('a folder keeps them for the next server, for its user alone, beside whatever else is there', async () => {
  const folder = join(root, 'lasting');
  const store = new SessionStore(await folderPlace(folder), limits);
  const { bytes, kept } = image(50);
  const { id } = await store.create([kept], '{}');
  await store.addImage(id, 0, bytes);
  await writeFile(join(folder, 'notes.txt'), 'mine');
  const next = new SessionStore(await folderPlace(folder), limits);
  expect((await next.open(id)).state).toBe('{}');
  expect((await stat(join(folder, id))).mode & 0o077).toBe(0);
  expect((await stat(join(folder, id, 'image-0'))).mode & 0o077).toBe(0);
  for (let i = 0; i < 5; i++) await next.create([], 'null');
  expect(await readdir(folder)).toContain('notes.txt');
  // A damaged one is no session, and harms no other.
  const other = await next.create([], '1');
  await writeFile(join(folder, other.id, 'head.json'), '{');
  await expect(next.open(other.id)).rejects.toMatchObject({ status: 404 });
  await next.create([], 'null');
});
