/** A server for tests on a free port of this machine, with the bundled model of RexWorld. */

import { readFileSync } from 'node:fs';
import { createApp } from '../app.ts';
import type { FetchImageOptions } from '../fetch-image.ts';
import { type Listening, listen } from '../listen.ts';
import { createLog } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { memoryPlace } from '../sessions/session-place.ts';
import { SessionStore } from '../sessions/session-store.ts';
import { defaultHttpSettings, defaultListenSettings } from '../settings.ts';
import { type RunningServer, type ServerSettings, startServer } from '../start-server.ts';

export interface LocalServer extends RunningServer {
  /** Lines of the log so far, parsed. */
  readonly logged: Record<string, unknown>[];
}

export async function startLocalServer(
  settings: Partial<ServerSettings> = {},
  fetchOptions?: FetchImageOptions,
): Promise<LocalServer> {
  const logged: Record<string, unknown>[] = [];
  const log = createLog((line) => logged.push(JSON.parse(line)));
  // A connection that ends just when a test that was held up asks again would fail that test.
  const patient = { keepAliveMs: 600_000, headersTimeoutMs: 600_000, requestTimeoutMs: 600_000 };
  const given = {
    model: 'nano',
    modelName: 'nano',
    port: 0,
    allowedHosts: [],
    graceMs: 5_000,
    ...patient,
    ...settings,
  };
  const server = await startServer(given, { log, fetchOptions });
  return { ...server, logged };
}

/** Another socket of a server, without keys, that gives clients half a second for everything. */
export function openImpatientDoor({ engine }: LocalServer): Promise<Listening> {
  const log = createLog(() => {});
  const metrics = createMetrics('nano');
  const sessions = new SessionStore(memoryPlace(), { maxSessions: 0, maxBytes: 0, maxAgeMs: 0, maxImageBytes: 0 });
  const settings = defaultHttpSettings;
  const app = createApp({ engine, settings, sessions, metrics, version: '0', log, isStopping: () => false });
  return listen(app, {
    ...{ ...defaultListenSettings, port: 0, headersTimeoutMs: 500, requestTimeoutMs: 1000 },
    ...{ readTimeoutMs: 500, slowestBytesPerSecond: 1e9 },
  });
}

/** Resolves when a condition holds, however long that takes: the limit of the test is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Lets all be read that has come by now from other processes and sockets of this machine. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Does `work` while the model's process is stopped: what it is asked meanwhile is under way until `work` has ended,
 * however fast this machine is.
 */
export async function whileModelIsStopped<T>({ engine }: LocalServer, work: () => Promise<T>): Promise<T> {
  const pid = engine.modelPid!;
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    // It may have been killed, and another may have taken its place.
    if (engine.modelPid === pid && engine.isReady) process.kill(pid, 'SIGCONT');
  }
}

export const scene = readFileSync(new URL('../../../models/nano/example/scene.png', import.meta.url));
export const sceneUrl = `data:image/png;base64,${scene.toString('base64')}`;
