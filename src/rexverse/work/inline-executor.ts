/**
 * Does tasks in the process of the run: for programs that bring their own protection, and for debugging. Nothing can be
 * killed.
 */

import { ChatRexError } from '../../errors.ts';
import type { StageName } from '../annotation.ts';
import type { Permits } from '../models/endpoint.ts';
import { apiKeyVariable, importRoles, openRoles } from '../models/open-roles.ts';
import type { Executor, ExecutorEvents } from './executor.ts';
import type { Limiter } from './limiter.ts';
import type { Task, TaskResult, WorkerSetup } from './messages.ts';
import { Performer } from './perform.ts';

export async function openInlineExecutor(
  setup: WorkerSetup,
  limiter: Limiter,
  deadlineMs: number,
  { onPassed }: ExecutorEvents = {},
): Promise<Executor> {
  let isClosing = false;
  const { settings, policy, threads, rolesModule, concurrency } = setup;
  const create = rolesModule === undefined ? openRoles : await importRoles(rolesModule);
  const options = { permits: permitsOf(limiter), policy, threads, apiKey: process.env[apiKeyVariable] };
  const performer = new Performer(setup, {
    roles: await create(settings, options),
    isClosing: () => isClosing,
    onPassed: (stage: StageName) => onPassed?.({ [stage]: 1 }),
  });
  const gate = new Gate(concurrency);
  return {
    capacity: concurrency,
    run: (task: Task): Promise<TaskResult> =>
      gate.pass(async () => {
        const control = new AbortController();
        const late = () => control.abort(new Error(`took longer than ${deadlineMs / 1000} s`));
        const timer = setTimeout(late, deadlineMs);
        try {
          return await performer.perform(task, control.signal);
        } finally {
          clearTimeout(timer);
        }
      }),
    drain: () => {
      isClosing = true;
      limiter.stop(new ChatRexError('aborted', 'the run is ending'));
    },
    close: () => performer.close(),
  };
}

function permitsOf(limiter: Limiter): Permits {
  return {
    acquire: (endpoint, tokens, signal) =>
      new Promise((resolve, reject) => {
        const grant = () => {
          signal.removeEventListener('abort', abort);
          resolve({
            release: ({ model, usage, retryAfterMs }) => limiter.release(endpoint, tokens, model, usage, retryAfterMs),
          });
        };
        const abort = () => {
          giveUp();
          reject(signal.reason);
        };
        signal.addEventListener('abort', abort, { once: true });
        const giveUp = limiter.acquire(endpoint, tokens, grant, reject);
      }),
  };
}

/** Lets so many through at once, the others in the order in which they came. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  async pass<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
