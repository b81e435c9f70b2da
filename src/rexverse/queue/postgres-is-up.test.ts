import { expect, test } from 'vitest';
import { openQueue } from './open-queue.ts';
import { oncePostgresIsUp } from './postgres-is-up.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });

test('waits while the server starts up; every other error ends it at once', async () => {
  let tries = 0;
  const work = async () => {
    if (++tries < 3) throw failure('57P03');
    return 'up';
  };
  expect(await oncePostgresIsUp(work)).toBe('up');
  expect(tries).toBe(3);
  await expect(oncePostgresIsUp(() => Promise.reject(failure('28P01')))).rejects.toThrow('28P01');
  await expect(oncePostgresIsUp(() => Promise.reject(failure('57P03')), 0)).rejects.toThrow('57P03');
});

test('a queue that nobody serves is named in one line', async () => {
  const opening = openQueue('postgres://user:secret@127.0.0.1:9/none', 'x');
  await expect(opening).rejects.toThrow(/^--queue: 127.0.0.1:9\/none does not answer: .*ECONNREFUSED/);
});
