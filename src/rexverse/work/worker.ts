/**
 * A worker process: does the tasks that it is sent and dies with the process that started it.
 *
 * Everything that may hang or crash (decoders, models) happens here, so that the process of the run can end it and
 * start another.
 */

import sharp from 'sharp';
import { ChatRexError } from '../../errors.ts';
import { endAtOnce } from '../../workers/end-at-once.ts';
import { startWorker } from '../../workers/start-worker.ts';
import type { StageName } from '../annotation.ts';
import type { Permit, Permits } from '../models/endpoint.ts';
import { apiKeyVariable, importRoles, openRoles } from '../models/open-roles.ts';
import { nounPhrases } from '../phrases/noun-phrases.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { Performer } from './perform.ts';

const send = (message: FromWorker) => {
  // A parent that was killed is no error of the worker's: it ends at 'disconnect', without a word.
  if (process.connected) process.send?.(message, () => {});
};

/** Without its parent a worker has nobody to report to, and another run may be starting. */
process.on('disconnect', () => endAtOnce('SIGKILL'));
// The terminal sends Ctrl-C to the whole group; the parent decides what happens then.
process.on('SIGINT', () => {});
// A thread of its own ends the process when the main thread hangs and its parent is gone.
startWorker('./watchdog.ts', import.meta.url, { parent: process.ppid }).unref();

// No image is decoded twice in the same way: a store of finished operations costs a tenth of each, and memory.
sharp.cache(false);

let isClosing = false;
let performer: Promise<Performer> | undefined;
const controllers = new Map<number, AbortController>();
const permits = new Map<number, { resolve: (permit: Permit) => void; reject: (error: unknown) => void }>();
let lastPermit = 0;
/** The task that asks, so that its deadline does not run while it waits. */
const taskOf = new WeakMap<AbortSignal, number>();

const sharedPermits: Permits = {
  acquire: (endpoint, tokens, signal) => {
    const permit = ++lastPermit;
    send({ type: 'acquire', permit, id: taskOf.get(signal) ?? -1, endpoint, tokens });
    return new Promise((resolve, reject) => {
      const abort = () => {
        permits.delete(permit);
        // The parent may be about to grant it: it hears that nobody waits any more.
        send({ type: 'release', permit, usage: { input: 0, output: 0 }, model: '' });
        reject(signal.reason);
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      permits.set(permit, {
        resolve: (granted) => {
          signal.removeEventListener('abort', abort);
          resolve(granted);
        },
        reject,
      });
    });
  },
};

const passed: Partial<Record<StageName, number>> = {};
const reportEveryMs = 250;
setInterval(() => {
  if (Object.keys(passed).length === 0) return;
  send({ type: 'passed', stages: { ...passed } });
  for (const stage of Object.keys(passed)) delete passed[stage as StageName];
}, reportEveryMs).unref();

async function setUp(setup: WorkerSetup): Promise<Performer> {
  const { settings, policy, threads, rolesModule } = setup;
  const create = rolesModule === undefined ? openRoles : await importRoles(rolesModule);
  const roles = await create(settings, {
    permits: sharedPermits,
    policy,
    threads,
    apiKey: process.env[apiKeyVariable],
  });
  // The tagger takes a second to load, which is not the time of the first item.
  nounPhrases('a dog');
  send({ type: 'ready' });
  return new Performer(setup, {
    roles,
    isClosing: () => isClosing,
    onPassed: (stage) => {
      passed[stage] = (passed[stage] ?? 0) + 1;
    },
  });
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'setup') performer = setUp(message.setup);
  else if (message.type === 'drain') isClosing = true;
  else if (message.type === 'cancel') controllers.get(message.id)?.abort(new Error(message.reason));
  else if (message.type === 'permit') settlePermit(message);
  else void work(message);
});

async function work({ id, task }: Extract<ToWorker, { type: 'task' }>): Promise<void> {
  const controller = new AbortController();
  controllers.set(id, controller);
  taskOf.set(controller.signal, id);
  try {
    const result = await (await (performer as Promise<Performer>)).perform(task, controller.signal);
    send({ type: 'result', id, result });
  } catch (error) {
    // The stages catch what an item does wrong; what arrives here is wrong with the worker.
    const message = error instanceof Error ? error.message : String(error);
    const stage = task.kind === 'inspect' ? 'collect' : 'caption';
    const isFatal = error instanceof ChatRexError;
    const result = { kind: 'failed', stage, reason: 'defect', message, isWorthAnotherTry: true, isFatal } as const;
    send({ type: 'result', id, result: { ...result, made: 0, reused: 0 } });
  } finally {
    controllers.delete(id);
  }
}

function settlePermit({ permit, isGranted, reason }: Extract<ToWorker, { type: 'permit' }>): void {
  const waiting = permits.get(permit);
  permits.delete(permit);
  if (!isGranted) waiting?.reject(new ChatRexError('aborted', reason ?? 'the run is ending'));
  else waiting?.resolve({ release: (spent) => send({ type: 'release', permit, ...spent }) });
}
