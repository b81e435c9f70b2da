import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { FairQueue } from './fair-queue.ts';

const limits = { concurrency: 1, maxWaiting: 10, maxWaitingPerClient: 8 };

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Runs that end when told to, and the order in which they began. */
function harness(queue: FairQueue) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    run(client: string, name: string, signal?: AbortSignal) {
      return queue.run(
        client,
        () => {
          begun.push(name);
          const { promise, resolve } = deferred<string>();
          ends.push(() => resolve(name));
          return promise;
        },
        signal,
      );
    },
    async endNext() {
      await settled();
      ends.shift()?.();
      await settled();
    },
  };
}

describe('FairQueue', () => {
  it('takes turns between clients, each in its own order', async () => {
    const queue = new FairQueue(limits);
    const { run, begun, endNext } = harness(queue);
    const runs = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => run(name[0], name));
    for (let i = 0; i < 6; i++) await endNext();
    await Promise.all(runs);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('works on as many at once as it may', async () => {
    const queue = new FairQueue({ ...limits, concurrency: 2 });
    const { run, begun, endNext } = harness(queue);
    const runs = ['1', '2', '3'].map((name) => run('a', name));
    await settled();
    expect(begun).toEqual(['1', '2']);
    await endNext();
    expect(begun).toEqual(['1', '2', '3']);
    await endNext();
    await endNext();
    await Promise.all(runs);
  });

  it('refuses what is too much, of one client and of all, saying when to come again', async () => {
    const queue = new FairQueue({ concurrency: 1, maxWaiting: 3, maxWaitingPerClient: 2 });
    const { run, endNext } = harness(queue);
    const runs = [run('a', '0'), run('a', '1'), run('a', '2')];
    await expect(run('a', '3')).rejects.toMatchObject({ status: 429, retryAfter: expect.any(Number) });
    runs.push(run('b', '4'));
    await expect(run('c', '5')).rejects.toThrow(/server has 3/);
    for (let i = 0; i < 4; i++) await endNext();
    await Promise.all(runs);
  });

  it('gives the place of a client that goes away to the next at once', async () => {
    const queue = new FairQueue({ concurrency: 1, maxWaiting: 1, maxWaitingPerClient: 1 });
    const { run, begun, endNext } = harness(queue);
    const first = run('a', '1');
    const control = new AbortController();
    const gone = run('a', '2', control.signal);
    control.abort();
    const third = run('a', '3');
    await expect(gone).rejects.toMatchObject({ code: 'aborted' });
    await endNext();
    await endNext();
    expect(await Promise.all([first, third])).toEqual(['1', '3']);
    expect(begun).toEqual(['1', '3']);
    await expect(run('a', '4', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });

  it('goes on after a failure', async () => {
    const queue = new FairQueue(limits);
    await expect(queue.run('a', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await queue.run('a', async () => 1)).toBe(1);
  });

  it('ends what it has when it is closed, and takes nothing more', async () => {
    const queue = new FairQueue(limits);
    const { run, endNext } = harness(queue);
    const runs = [run('a', '1'), run('b', '2')];
    let isClosed = false;
    const closing = queue.close().then(() => {
      isClosed = true;
    });
    await expect(run('c', '3')).rejects.toMatchObject({ status: 503 });
    await endNext();
    expect(isClosed).toBe(false);
    await endNext();
    await closing;
    expect(await Promise.all(runs)).toEqual(['1', '2']);
    await queue.close();
  });
});
