import { expect, test } from 'vitest';
import { SessionCache } from './session-cache.ts';

function cacheOf(capacity: number) {
  const events: string[] = [];
  const cache = new SessionCache<{ name: string; dispose(): Promise<void> }>(capacity);
  const create = (name: string) => async () => {
    events.push(`+${name}`);
    return { name, dispose: async () => void events.push(`-${name}`) };
  };
  /** Uses a session for as long as `until` takes. */
  const use = (name: string, until: Promise<void> = Promise.resolve()) =>
    cache.during(() => cache.use(name, create(name), () => until.then(() => name)));
  return { cache, events, use };
}

test('calls share a session, and the least recently used makes room', async () => {
  const { cache, events, use } = cacheOf(2);
  await Promise.all([use('a'), use('a'), use('b')]);
  await use('a');
  await use('c');
  expect(events).toEqual(['+a', '+b', '-b', '+c']);
  await cache.dispose();
  expect(events.slice(4)).toEqual(['-a', '-c']);
});

test('a session in use makes no room: the next call waits', async () => {
  const { events, use } = cacheOf(1);
  let finish = () => {};
  const first = use('a', new Promise((resolve) => (finish = resolve)));
  const second = use('b');
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(['+a']);
  finish();
  expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  expect(events).toEqual(['+a', '-a', '+b']);
});

test('dispose waits for the calls under way, and later calls are refused', async () => {
  const { cache, events, use } = cacheOf(1);
  let finish = () => {};
  const call = use('a', new Promise((resolve) => (finish = resolve)));
  const disposed = cache.dispose();
  await expect(use('b')).rejects.toThrow(/disposed/);
  expect(events).toEqual(['+a']);
  finish();
  await Promise.all([call, disposed]);
  expect(events).toEqual(['+a', '-a']);
});

test('a session that could not be made is tried again by the next call', async () => {
  const { cache, use } = cacheOf(1);
  const failing = cache.during(() =>
    cache.use(
      'a',
      () => Promise.reject(new Error('no file')),
      async () => 'never',
    ),
  );
  await expect(failing).rejects.toThrow('no file');
  expect(await use('a')).toBe('a');
  await cache.dispose();
});
