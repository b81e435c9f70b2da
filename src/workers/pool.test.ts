import { expect, test } from 'vitest';
import { runInWorkers } from './pool.ts';

const squares = { module: './testing/square-worker.ts', base: import.meta.url, data: null };

test('every task is answered once', async () => {
  const found = new Map<number, number>();
  const tasks = Array.from({ length: 12 }, (_, i) => i);
  await runInWorkers<number, number>(squares, tasks, (task, result) => void found.set(task, result), { threads: 2 });
  expect([...found].sort(([a], [b]) => a - b)).toEqual(tasks.map((task) => [task, task * task]));
});

test('the first failure ends all workers, with its code and message', async () => {
  const started = Date.now();
  const tasks = [60_000, 13, 1, 2];
  const error = await runInWorkers(squares, tasks, () => {}, { threads: 2 }).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'invalid-file', message: '13 cannot be read' });
  expect(Date.now() - started).toBeLessThan(30_000);
});

test('a worker that ends without an answer is an error, not a wait', async () => {
  await expect(runInWorkers(squares, [99], () => {}, { threads: 1 })).rejects.toThrow(/ended \(7\)/);
});

test('what keeps results may fail too', async () => {
  const full = () => Promise.reject(new Error('disk full'));
  await expect(runInWorkers(squares, [1, 2, 3], full, { threads: 2 })).rejects.toThrow('disk full');
});

test('a signal ends workers in the middle of a task', async () => {
  const control = new AbortController();
  const work = runInWorkers(squares, [1, 60_000], () => control.abort(), { threads: 1, signal: control.signal });
  await expect(work).rejects.toMatchObject({ code: 'aborted' });
  await expect(runInWorkers(squares, [1], () => {}, { signal: control.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
});
