import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from './deferred.ts';
import { ImageCache } from './image-cache.ts';

interface Image {
  name: string;
  sizeBytes: number;
}

function harness(limits: { maxEntries?: number; maxBytes?: number } = {}) {
  const forgotten: string[] = [];
  const cache = new ImageCache<Image>({ maxEntries: 2, maxBytes: 100, ...limits }, ({ name }) => forgotten.push(name));
  const encoded: string[] = [];
  const use = (key: string, sizeBytes = 10, signal?: AbortSignal) =>
    cache.use(
      key,
      async () => {
        encoded.push(key);
        return { name: key, sizeBytes };
      },
      signal,
    );
  const touch = async (key: string, sizeBytes?: number) => (await use(key, sizeBytes)).release();
  return { cache, encoded, forgotten, use, touch };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('ImageCache', () => {
  it('looks at an image once, also when it comes twice at once', async () => {
    const { encoded, use, cache } = harness();
    const [one, two] = await Promise.all([use('a'), use('a')]);
    expect(encoded).toEqual(['a']);
    expect([one.isHit, two.isHit]).toEqual([false, true]);
    expect(one.value).toBe(two.value);
    expect([cache.entries, cache.bytes]).toEqual([1, 10]);
  });

  it('forgets the longest unused, by number and by bytes', async () => {
    const { encoded, forgotten, touch, cache } = harness();
    for (const key of ['a', 'b', 'a', 'c']) await touch(key);
    await settled();
    expect(forgotten).toEqual(['b']);
    await touch('big', 95);
    await settled();
    expect(forgotten).toEqual(['b', 'a', 'c']);
    expect(cache.bytes).toBe(95);
    await touch('b');
    expect(encoded).toEqual(['a', 'b', 'c', 'big', 'b']);
  });

  it('keeps what is in use, and what grows is counted', async () => {
    const { forgotten, use, touch, cache } = harness();
    const lease = await use('a');
    for (const key of ['b', 'c', 'd']) await touch(key);
    await settled();
    expect(forgotten).toEqual(['b', 'c']);
    lease.resize(500);
    expect(cache.bytes).toBe(500);
    lease.release();
    lease.release();
    await settled();
    expect(forgotten).toEqual(['b', 'c', 'd', 'a']);
    expect([cache.entries, cache.bytes]).toEqual([0, 0]);
  });

  it('tells a failure to all who wait, and tries again next time', async () => {
    const { cache, use } = harness();
    const broken = () => cache.use('a', () => Promise.reject(new Error('broken')));
    const both = await Promise.allSettled([broken(), broken()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(cache.entries).toBe(0);
    expect((await use('a')).isHit).toBe(false);
  });

  it('gives up the looking when the last who waits goes away, and not before', async () => {
    const { cache, forgotten } = harness();
    const [one, two] = [new AbortController(), new AbortController()];
    let given: AbortSignal | undefined;
    let looking: Deferred<Image> | undefined;
    const look = (signal: AbortSignal) => {
      given = signal;
      looking = deferred();
      return looking.promise;
    };
    const first = cache.use('a', look, one.signal);
    const second = cache.use('a', look, two.signal);
    one.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    expect(given?.aborted).toBe(false);
    two.abort();
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    expect(given?.aborted).toBe(true);
    // It was complete before it heard of that: the model still has it, and must be told.
    looking?.resolve({ name: 'a', sizeBytes: 10 });
    await settled();
    expect(forgotten).toEqual(['a']);
    expect([cache.entries, cache.bytes]).toEqual([0, 0]);
  });

  it('forgets everything when the model is lost, and old leases do no harm', async () => {
    const { cache, forgotten, use } = harness();
    const old = await use('a');
    cache.clear();
    const fresh = await use('a');
    expect(fresh.isHit).toBe(false);
    old.resize(1000);
    old.release();
    await settled();
    expect([cache.entries, cache.bytes, forgotten.length]).toEqual([1, 10, 0]);
  });
});
