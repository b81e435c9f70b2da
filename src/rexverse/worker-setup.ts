/** How worker processes are set up: what only decides how fast and how patiently a run works. */

import { availableParallelism } from 'node:os';
import { defaultCallPolicy } from './models/endpoint.ts';
import type { Settings } from './settings.ts';
import type { DownloadSettings, WorkerSetup } from './work/messages.ts';

export interface WorkOptions {
  /**
   * Worker processes; half of the cores by default. With 0 this process does the work, and nothing that hangs can be
   * ended.
   */
  readonly workers?: number;
  /** Items at once in each of them. */
  readonly concurrency?: number;
  /** How often a model call is tried before its item fails. */
  readonly callTries?: number;
  readonly callTimeoutMs?: number;
  /** Pause before a call is tried again. */
  readonly callPauseMs?: number;
  readonly download?: Partial<DownloadSettings>;
  /** Instead of the models of the settings: for measuring the engine. */
  readonly rolesModule?: string;
}

const defaultDownload: DownloadSettings = {
  timeoutMs: 20_000,
  maxBytes: 32 * 2 ** 20,
  isPrivateAllowed: false,
  ignoresOptOut: false,
};

export function defaultWorkers(): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2)));
}

export function workerSetup(
  { folder, root, settings }: { folder: string; root: string; settings: Settings },
  { callTries, callTimeoutMs, callPauseMs, rolesModule, ...options }: WorkOptions,
): WorkerSetup {
  const isLocal = Object.values(settings.roles).every(({ kind }) => kind !== 'endpoint');
  const workers = options.workers ?? defaultWorkers();
  const policy = {
    tries: callTries ?? defaultCallPolicy.tries,
    pauseMs: callPauseMs ?? defaultCallPolicy.pauseMs,
    timeoutMs: callTimeoutMs ?? defaultCallPolicy.timeoutMs,
  };
  return {
    ...{ folder, root, settings, policy },
    // A local model does one thing at a time; an endpoint is waited for.
    concurrency: options.concurrency ?? (isLocal ? 1 : 8),
    threads: Math.max(1, Math.floor(availableParallelism() / Math.max(1, workers))),
    download: { ...defaultDownload, ...options.download },
    ...(rolesModule !== undefined && { rolesModule }),
  };
}
