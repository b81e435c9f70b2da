/** A PostgreSQL that has just been started opens its port before it takes commands. */

import { setTimeout as sleep } from 'node:timers/promises';

/** "The database system is starting up": SQLSTATE `cannot_connect_now`. */
export const startingUp = '57P03';

/**
 * Does `work`, and does it again while the server says that it is starting up.
 * @param milliseconds how long it may; then its own error is thrown
 */
export async function oncePostgresIsUp<Value>(work: () => Promise<Value>, milliseconds = 30_000): Promise<Value> {
  const end = performance.now() + milliseconds;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== startingUp || performance.now() > end) throw error;
      await sleep(200);
    }
  }
}
