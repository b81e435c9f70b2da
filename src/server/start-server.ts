/** A whole server: model, application, socket; and its end. */

import { createApp } from './app.ts';
import { Engine } from './engine.ts';
import type { FetchImageOptions } from './fetch-image.ts';
import { type Listening, listen } from './listen.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { packageVersion } from './package-version.ts';
import { folderPlace, memoryPlace } from './sessions/session-place.ts';
import { SessionStore } from './sessions/session-store.ts';
import {
  defaultEngineSettings,
  defaultHttpSettings,
  defaultListenSettings,
  defaultSessionSettings,
  type EngineSettings,
  type HttpSettings,
  type ListenSettings,
  type SessionSettings,
} from './settings.ts';

export type ServerSettings = EngineSettings & HttpSettings & ListenSettings & SessionSettings;

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly engine: Engine;
  /** Refuses what is new, waits `graceMs` for what is under way, then ends it. */
  stop(): Promise<void>;
}

/**
 * @throws ChatRexError when the model cannot be loaded or the address cannot be had
 * @example const server = await startServer({ port: 0 }, { log });
 */
export async function startServer(
  given: Partial<ServerSettings>,
  { log, fetchOptions }: { log: Log; fetchOptions?: FetchImageOptions },
): Promise<RunningServer> {
  const defaults = {
    ...{ ...defaultEngineSettings, ...defaultHttpSettings },
    ...{ ...defaultListenSettings, ...defaultSessionSettings },
  };
  const settings: ServerSettings = { ...defaults, ...given };
  const sessions = await openSessions(settings);
  const metrics = createMetrics(settings.modelName);
  const engine = await Engine.start(settings, {
    ...metrics.observer,
    onLost: (reason) => {
      metrics.observer.onLost(reason);
      log.error('model lost', { reason });
    },
    onDefect: (details) => log.error('model failure', { details }),
  });
  metrics.watch(engine);
  let isStopping = false;
  const version = await packageVersion();
  const app = createApp({
    ...{ engine, settings, sessions, fetchOptions, metrics, version, log },
    isStopping: () => isStopping,
  });
  let listening: Listening;
  try {
    listening = await listen(app, settings);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  const { url, port } = listening;
  log.info('listening', { url, model: settings.modelName, version });
  return {
    ...{ url, port, engine },
    async stop() {
      isStopping = true;
      const ended = Promise.all([engine.drain(), listening.close()]);
      const timer = setTimeout(() => {
        void engine.stop();
        listening.cutOff();
      }, settings.graceMs);
      await ended;
      clearTimeout(timer);
      await engine.stop();
      log.info('stopped');
    },
  };
}

const dayMs = 86_400_000;
const sweepMs = 3_600_000;

async function openSessions(settings: ServerSettings): Promise<SessionStore> {
  const { sessionFolder, maxSessions, sessionBytes, sessionDays, maxImageBytes } = settings;
  const place = sessionFolder === undefined ? memoryPlace() : await folderPlace(sessionFolder);
  const limits = { maxSessions, maxBytes: sessionBytes, maxAgeMs: sessionDays * dayMs, maxImageBytes };
  const store = new SessionStore(place, limits);
  await store.sweep();
  // What fails now is tried again; a full disk is told to whoever keeps a session.
  setInterval(() => void store.sweep().catch(() => {}), sweepMs).unref();
  return store;
}
