import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { interruptible, untilSignal } from './interruption.ts';

let exitCode: typeof process.exitCode;
beforeEach(() => {
  exitCode = process.exitCode;
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  process.exitCode = exitCode;
  vi.restoreAllMocks();
});

const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve));

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s aborts the work, whose result counts, and gives the exit status %i', async (name, status) => {
  const work = interruptible(async (signal) => {
    await aborted(signal);
    return 'half';
  });
  process.emit(name, name);
  expect([await work, process.exitCode]).toEqual(['half', status]);
});

it('a second signal ends the process at once', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const work = interruptible(aborted);
  process.emit('SIGINT', 'SIGINT');
  process.emit('SIGTERM', 'SIGTERM');
  await work;
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGTERM');
});

it('listens no longer than the work takes', async () => {
  const before = process.listenerCount('SIGINT');
  await expect(interruptible(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(process.listenerCount('SIGINT')).toBe(before);
});

it('a server ends by a signal, without a failure', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const ended = untilSignal();
  process.emit('SIGTERM', 'SIGTERM');
  await ended;
  expect(process.exitCode).toBe(exitCode);
  process.emit('SIGINT', 'SIGINT');
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGINT');
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
});
