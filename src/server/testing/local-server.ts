/** A server for tests on a free port of this machine, with the bundled model. */

import { readFileSync } from 'node:fs';
import type { FetchImageOptions } from '../fetch-image.ts';
import { createLog } from '../log.ts';
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
  const server = await startServer({ port: 0, allowedHosts: [], graceMs: 5_000, ...settings }, { log, fetchOptions });
  return { ...server, logged };
}

export const scene = readFileSync(new URL('../../../models/nano/example/scene.png', import.meta.url));
export const sceneUrl = `data:image/png;base64,${scene.toString('base64')}`;
