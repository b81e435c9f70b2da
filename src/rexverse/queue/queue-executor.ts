/**
 * Gives tasks to workers on other machines, through a queue. Jobs carry names and texts, never pixels; they have the
 * same name however often the run is begun, so that none is done twice; one that the queue has lost is given again.
 */

import type { QueueEvents } from 'bullmq';
import type { Executor } from '../work/executor.ts';
import type { Task, TaskFailure, TaskResult } from '../work/messages.ts';
import type { OpenQueue, TaskQueue } from './open-queue.ts';

interface Outstanding {
  readonly id: string;
  readonly task: Task;
  readonly resolve: (result: TaskResult) => void;
  since: number;
}

/** Tasks that are given to the queue together. */
const batchSize = 64;
/** A task that nothing has been heard of for this long is looked up: events are lost when the queue restarts. */
const checkAfterMs = 3_000;
const checkEveryMs = 1_000;

export class QueueExecutor implements Executor {
  readonly capacity = 256;
  readonly #queue: TaskQueue;
  readonly #events: QueueEvents;
  readonly #outstanding = new Map<string, Outstanding>();
  #waiting: Outstanding[] = [];
  #sending: Promise<void> | undefined;
  #checking = false;
  #isStopped = false;
  readonly #timer: NodeJS.Timeout;

  constructor(open: OpenQueue) {
    this.#queue = open.queue();
    this.#events = open.events();
    this.#events.on('completed', ({ jobId, returnvalue }) => this.#settle(jobId, resultOf(returnvalue)));
    this.#events.on('failed', ({ jobId, failedReason }) => this.#fail(jobId, failedReason));
    this.#timer = setInterval(() => void this.#check(), checkEveryMs);
  }

  run(task: Task): Promise<TaskResult> {
    if (this.#isStopped) return Promise.resolve(stopped(task));
    return new Promise((resolve) => {
      const id = `${task.kind}-${task.entry.index}`;
      const one: Outstanding = { id, task, resolve, since: Date.now() };
      this.#outstanding.set(id, one);
      this.#waiting.push(one);
      this.#sending ??= this.#send();
    });
  }

  async #send(): Promise<void> {
    // What is asked for in this turn of the event loop goes out together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchSize);
      const jobs = batch.map(({ id, task }) => ({
        name: task.kind,
        data: task,
        // Annotating an item frees memory; looking at the next one takes some.
        opts: { jobId: id, priority: task.kind === 'annotate' ? 1 : 2, removeOnFail: { age: 3600 } },
      }));
      // When the queue is away the check gives them again.
      await this.#queue.addBulk(jobs).catch(() => {});
    }
    this.#sending = undefined;
  }

  #settle(id: string, result: TaskResult | undefined): void {
    const one = this.#outstanding.get(id);
    if (!one || result === undefined) return;
    this.#outstanding.delete(id);
    // The next try of the same item has the same name.
    void this.#queue
      .remove(id)
      .catch(() => {})
      .then(() => one.resolve(result));
  }

  #fail(id: string, message: string): void {
    const one = this.#outstanding.get(id);
    if (one) this.#settle(id, { ...failure(one.task, 'worker', message) });
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      const late = [...this.#outstanding.values()].filter(({ since }) => Date.now() - since > checkAfterMs);
      for (const one of late) {
        one.since = Date.now();
        const job = await this.#queue.getJob(one.id);
        if (job === undefined) {
          this.#waiting.push(one);
          this.#sending ??= this.#send();
        } else if (await job.isCompleted()) this.#settle(one.id, resultOf(job.returnvalue));
        else if (await job.isFailed()) this.#fail(one.id, job.failedReason);
      }
    } catch {
      // The queue is away; the next check finds it again.
    } finally {
      this.#checking = false;
    }
  }

  /**
   * Tasks that no worker has begun are taken back; the others are finished by their workers, and found by the next run.
   */
  drain(): void {
    this.#isStopped = true;
    for (const one of this.#outstanding.values()) one.resolve(stopped(one.task));
    this.#outstanding.clear();
    this.#waiting = [];
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    await this.#queue.drain().catch(() => {});
    await Promise.allSettled([this.#events.close(), this.#queue.close()]);
  }
}

/** What a worker returned: a text, of which some ways through the queue make JSON once more. */
function resultOf(value: unknown): TaskResult | undefined {
  let read = value;
  for (let depth = 0; typeof read === 'string' && depth < 2; depth++) read = JSON.parse(read);
  return (read ?? undefined) as TaskResult | undefined;
}

function stopped(task: Task): TaskFailure {
  return { ...failure(task, 'stopped', 'the run is ending'), isStopped: true };
}

function failure({ kind }: Task, reason: string, message: string): TaskFailure {
  const stage = kind === 'inspect' ? 'collect' : 'caption';
  return { kind: 'failed', stage, reason, message, isWorthAnotherTry: true, made: 0, reused: 0 };
}
