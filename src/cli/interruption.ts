/** Ctrl-C and SIGTERM in every command: the work ends after the step under way, and what is done is kept. */

import { endAtOnce } from '../workers/end-at-once.ts';

/** As shells report a program that a signal ended. */
const statuses = { SIGINT: 130, SIGTERM: 143 } as const;

/** The exit status of a command whose work was ended, by the signal that ended it. */
export const interruptedStatus = (): number => caught ?? statuses.SIGINT;

let caught: number | undefined;

/**
 * For servers, whose end by a signal is no failure: resolves at the first one; a second one ends the process at once.
 */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    const end = (name: NodeJS.Signals) => {
      if (isEnding) return endAtOnce(name);
      isEnding = true;
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}

/**
 * Does work that a signal ends: the first SIGINT or SIGTERM aborts `signal`, a second one ends the process at once. The
 * exit status is then that of the signal, whether the work throws or returns what it has.
 * @example await interruptible((signal) => trainStage('upn', config, { signal }))
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const interrupt = (name: NodeJS.Signals) => {
    if (control.signal.aborted) return endAtOnce(name);
    caught = statuses[name as keyof typeof statuses];
    process.exitCode = caught;
    control.abort();
    process.stderr.write('\nending after the step under way; once more ends at once\n');
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(control.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
