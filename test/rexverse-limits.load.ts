/** Two machines, one account: real servers count what both may do together. */

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { ChatRexError } from '../src/errors.ts';
import { openSharedCounters } from '../src/rexverse/queue/shared-counters.ts';
import { SharedLimiter } from '../src/rexverse/queue/shared-limiter.ts';
import { hasPostgres, hasRedis, startPostgres, startRedis } from '../src/rexverse/testing/services.ts';
import { Limiter, type Limits } from '../src/rexverse/work/limiter.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-limits-'));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const nothing = { input: 0, output: 0 };

async function machine(url: string, run: string, limits: Limits, leaseMs = 60_000) {
  const counters = await openSharedCounters(url, run, { limits, leaseMs });
  const limiter = new SharedLimiter(new Limiter({ limits: {} }), counters, leaseMs);
  return {
    limiter,
    acquire: (tokens = 0) => new Promise<void>((resolve, reject) => void limiter.acquire('e', tokens, resolve, reject)),
    release: (tokens = 0, retryAfterMs?: number) => limiter.release('e', tokens, 'm', nothing, retryAfterMs),
    end: async () => {
      limiter.stop(new ChatRexError('aborted', 'end'));
      await counters.close();
    },
  };
}

describe.each([
  ['Redis', hasRedis, startRedis],
  ['PostgreSQL', hasPostgres, startPostgres],
] as const)('%s', (name, isThere, start) => {
  test.skipIf(!isThere)(
    'places, requests and pauses are those of all machines; a lost machine gives its place back',
    async () => {
      const server = await start(join(root, name));
      const open: { end(): Promise<void> }[] = [];
      const pair = async (run: string, limits: Limits, leaseMs?: number) => {
        const machines = [
          await machine(server.url, run, limits, leaseMs),
          await machine(server.url, run, limits, leaseMs),
        ];
        open.push(...machines);
        return machines;
      };
      try {
        const places = await pair('places', { requestsAtOnce: 2 });
        let [running, highest] = [0, 0];
        const call = async (own: (typeof places)[number]) => {
          await own.acquire();
          highest = Math.max(highest, ++running);
          await sleep(20);
          running--;
          own.release();
        };
        await Promise.all(places.flatMap((own) => Array.from({ length: 4 }, () => call(own))));
        expect(highest).toBe(2);

        // Ten a second, beginning with a second's worth: of thirty the last may start after two seconds.
        const rates = await pair('rates', { requestsPerMinute: 600 });
        const startedAt = performance.now();
        await Promise.all(rates.flatMap((own) => Array.from({ length: 8 }, () => own.acquire())));
        expect(performance.now() - startedAt).toBeGreaterThan(500);

        const [first, second] = await pair('pauses', { requestsAtOnce: 9 });
        await first.acquire();
        first.release(0, 400);
        await sleep(100);
        const pausedAt = performance.now();
        await second.acquire();
        expect(performance.now() - pausedAt).toBeGreaterThan(100);

        const [lost, other] = await pair('lost', { requestsAtOnce: 1 }, 600);
        await lost.acquire();
        let isGranted = false;
        const waiting = other.acquire().then(() => {
          isGranted = true;
        });
        // Renewed while its machine is there.
        await sleep(900);
        expect(isGranted).toBe(false);
        await lost.end();
        await waiting;
      } finally {
        await Promise.all(open.map((one) => one.end().catch(() => {})));
        await server.stop();
      }
    },
  );
});
