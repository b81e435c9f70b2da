/** BullMQ on Redis, Valkey or PostgreSQL: optional, and loaded only by runs that use a queue. */

import type { Job, Queue, QueueEvents, Worker } from 'bullmq';
import type Postgres from 'pg';
import { ChatRexError } from '../../errors.ts';
import type { Task } from '../work/messages.ts';
import { oncePostgresIsUp, startingUp } from './postgres-is-up.ts';

/**
 * Results are kept as texts: PostgreSQL would put the keys of an object in another order, and what is written would
 * differ.
 */
export type TaskQueue = Queue<Task, string>;
export type TaskJob = Job<Task, string>;

export interface OpenQueue {
  queue(): TaskQueue;
  events(): QueueEvents;
  worker(work: (job: TaskJob) => Promise<string>, options: QueueWorkerOptions): Worker<Task, string>;
}

export interface QueueWorkerOptions {
  readonly concurrency: number;
  /** A job whose worker has not been heard of for this long is given to another. */
  readonly lockMs: number;
}

/**
 * @param url `redis://...`, `rediss://...` or `postgres://...`
 * @param name all that work on one run use the same
 * @throws ChatRexError 'invalid-argument' for another address, 'unsupported' when a package is missing
 */
export async function openQueue(url: string, name: string): Promise<OpenQueue> {
  const isPostgres = /^postgres(?:ql)?:\/\//.test(url);
  if (!isPostgres && !/^rediss?:\/\//.test(url)) {
    throw new ChatRexError(
      'invalid-argument',
      `--queue: expected redis://... or postgres://..., came ${url.split(':')[0]}:...`,
    );
  }
  const bullmq = await importOptional(() => import('bullmq'), 'bullmq');
  if (isPostgres) {
    const { default: pg } = await importOptional(() => import('pg'), 'pg');
    await oncePostgresIsUp(() => requireAnswer(pg, url));
    return withClasses(bullmq.withBackend(bullmq.createPostgresBackend), name, {
      connectionString: url,
      migrate: true,
    });
  }
  await importOptional(() => import('ioredis'), 'ioredis');
  return withClasses(bullmq, name, { url, maxRetriesPerRequest: null });
}

async function requireAnswer({ Client }: typeof Postgres, url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A failure is the answer of `connect`; without a listener it would end the process as well.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    if ((cause as { code?: unknown }).code === startingUp) throw cause;
    const [address, said] = [url.split('@').at(-1), cause instanceof Error ? cause.message : String(cause)];
    throw new ChatRexError('runtime', `--queue: ${address} does not answer: ${said}`, { cause });
  } finally {
    await client.end().catch(() => {});
  }
}

/** The classes of either backend; they differ in the type of their connection alone. */
interface QueueClasses {
  readonly Queue: unknown;
  readonly QueueEvents: unknown;
  readonly Worker: unknown;
}

type Constructor<Instance, Arguments extends unknown[]> = new (...parts: Arguments) => Instance;

function withClasses(classes: QueueClasses, name: string, connection: object): OpenQueue {
  const { Queue, QueueEvents, Worker } = classes as {
    Queue: Constructor<TaskQueue, [string, object]>;
    QueueEvents: Constructor<QueueEvents, [string, object]>;
    Worker: Constructor<Worker<Task, string>, [string, (job: TaskJob) => Promise<string>, object]>;
  };
  // A lost connection is tried again by the client; without a listener its errors would end the process.
  const calm = <Emitter extends { on(event: 'error', listener: () => void): unknown }>(emitter: Emitter): Emitter => {
    emitter.on('error', () => {});
    return emitter;
  };
  return {
    queue: () => calm(new Queue(name, { connection })),
    events: () => calm(new QueueEvents(name, { connection })),
    worker: (work, { concurrency, lockMs }) =>
      calm(
        new Worker(name, work, {
          ...{ connection, concurrency, lockDuration: lockMs, stalledInterval: lockMs / 2 },
          // Machines may be taken away often; an item that ends its worker is found out by the pool, not by the queue.
          maxStalledCount: 20,
          removeOnComplete: { age: 3600 },
          removeOnFail: { age: 3600 },
        }),
      ),
  };
}

async function importOptional<Module>(load: () => Promise<Module>, name: string): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new ChatRexError(
      'unsupported',
      `--queue needs the package ${name}: npm install bullmq ${name === 'pg' ? 'pg' : 'ioredis'}`,
      {
        cause,
      },
    );
  }
}
