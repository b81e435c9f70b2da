/**
 * Worker processes of this machine. A task that takes too long is asked to end, and its worker is killed when it does
 * not; tasks that shared the worker are done again, without being counted as failed.
 */

import type { ChildProcess } from 'node:child_process';
import { ChatRexError } from '../../errors.ts';
import { startChild } from '../../workers/start-child.ts';
import type { Executor, ExecutorEvents } from './executor.ts';
import type { CallLimiter } from './limiter.ts';
import type { FromWorker, Task, TaskFailure, TaskResult, ToWorker, WorkerSetup } from './messages.ts';

export interface LocalPoolOptions extends ExecutorEvents {
  readonly setup: WorkerSetup;
  readonly workers: number;
  readonly limiter: CallLimiter;
  /** Longest time of one task, waiting for permits left out. */
  readonly deadlineMs: number;
}

/** How long a task that was asked to end may take to do so. */
const graceMs = 2_000;
/** How long a worker may take to load its models. */
const startMs = 600_000;
/** A worker that cannot be started this often in a row is not tried again. */
const maxFailedStarts = 3;

interface Job {
  readonly id: number;
  readonly task: Task;
  readonly resolve: (result: TaskResult) => void;
  /** Was in a worker that died with other tasks in it: done alone, so that the culprit is known. */
  isSuspect: boolean;
  timer?: NodeJS.Timeout;
  leftMs: number;
  startedAt: number;
  /** Permits that it waits for; its clock stands still meanwhile. */
  waiting: number;
  isOverdue: boolean;
}

interface HeldPermit {
  readonly endpoint: string;
  readonly tokens: number;
  isGranted: boolean;
  giveUp?: () => void;
}

interface Worker {
  readonly child: ChildProcess;
  readonly jobs: Map<number, Job>;
  readonly permits: Map<number, HeldPermit>;
  isReady: boolean;
  readonly startTimer: NodeJS.Timeout;
}

export class LocalPool implements Executor {
  readonly #options: LocalPoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Job[] = [];
  #lastId = 0;
  #failedStarts = 0;
  /** How the last worker that is gone has ended. */
  #lastEnd = '';
  #isDraining = false;
  #isClosed = false;

  constructor(options: LocalPoolOptions) {
    this.#options = options;
  }

  get capacity(): number {
    return this.#options.workers * this.#options.setup.concurrency;
  }

  run(task: Task): Promise<TaskResult> {
    return new Promise((resolve) => {
      const leftMs = this.#options.deadlineMs;
      this.#enqueue({
        ...{ id: ++this.#lastId, task, resolve, isSuspect: false },
        ...{ leftMs, startedAt: 0, waiting: 0, isOverdue: false },
      });
    });
  }

  /** Work under way first: annotating an item frees memory, looking at the next one takes some. */
  #enqueue(job: Job): void {
    if (job.task.kind === 'annotate') {
      const at = this.#waiting.findIndex(
        ({ task }) => task.kind === 'inspect' || task.entry.index > job.task.entry.index,
      );
      this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, job);
    } else this.#waiting.push(job);
    this.#dispatch();
  }

  #dispatch(): void {
    if (this.#isClosed) return;
    this.#startMissing();
    while (this.#waiting.length > 0) {
      const job = this.#waiting[0];
      const worker = this.#workerFor(job);
      if (!worker) return;
      this.#waiting.shift();
      worker.jobs.set(job.id, job);
      this.#startClock(worker, job);
      this.#send(worker, { type: 'task', id: job.id, task: job.task });
    }
  }

  /** A worker for each task that waits, while there may be more of them. */
  #startMissing(): void {
    let idle = [...this.#workers].filter(({ jobs }) => jobs.size === 0).length;
    while (idle < this.#waiting.length && this.#workers.size < this.#options.workers) {
      if (this.#failedStarts >= maxFailedStarts) break;
      this.#startWorker();
      idle++;
    }
    if (this.#workers.size > 0) return;
    for (const { task, resolve } of this.#waiting.splice(0)) {
      const message = `workers end (${this.#lastEnd}) before they are ready`;
      resolve({ ...failure(task, 'worker', message), isFatal: true });
    }
  }

  /**
   * The least busy worker with room. One that loads its models gets nothing yet: entries are judged in order, and those
   * that wait for it would make all behind them wait.
   */
  #workerFor(job: Job): Worker | undefined {
    const room = ({ jobs }: Worker) => {
      const isAlone = job.isSuspect || [...jobs.values()].some(({ isSuspect }) => isSuspect);
      return (isAlone ? 1 : this.#options.setup.concurrency) - jobs.size;
    };
    let best: Worker | undefined;
    for (const worker of this.#workers) {
      if (!worker.isReady || room(worker) <= 0) continue;
      if (best === undefined || worker.jobs.size < best.jobs.size) best = worker;
    }
    return best;
  }

  #startWorker(): void {
    const { setup } = this.#options;
    const child = startChild('./worker.ts', import.meta.url, []);
    const startTimer = setTimeout(() => child.kill('SIGKILL'), startMs);
    const worker: Worker = { child, jobs: new Map(), permits: new Map(), isReady: false, startTimer };
    this.#workers.add(worker);
    child.on('message', (message: FromWorker) => this.#hear(worker, message));
    child.on('exit', (code, signal) => this.#bury(worker, signal ?? `code ${code}`));
    child.on('error', () => child.kill('SIGKILL'));
    this.#send(worker, { type: 'setup', setup });
    if (this.#isDraining) this.#send(worker, { type: 'drain' });
  }

  #send(worker: Worker, message: ToWorker): void {
    // A worker that is dying is buried when it has exited.
    if (worker.child.connected) worker.child.send(message, () => {});
  }

  #hear(worker: Worker, message: FromWorker): void {
    if (message.type === 'acquire') this.#acquire(worker, message);
    else if (message.type === 'release') this.#release(worker, message);
    else if (message.type === 'passed') this.#options.onPassed?.(message.stages);
    else if (message.type === 'result') this.#finish(worker, message);
    else {
      worker.isReady = true;
      this.#failedStarts = 0;
      clearTimeout(worker.startTimer);
      this.#dispatch();
    }
  }

  #finish(worker: Worker, { id, result }: Extract<FromWorker, { type: 'result' }>): void {
    const job = worker.jobs.get(id);
    if (!job) return;
    worker.jobs.delete(id);
    clearTimeout(job.timer);
    job.resolve(result);
    this.#dispatch();
  }

  #acquire(worker: Worker, { permit, id, endpoint, tokens }: Extract<FromWorker, { type: 'acquire' }>): void {
    const job = worker.jobs.get(id);
    if (job) this.#stopClock(job);
    const answer = (isGranted: boolean, reason?: string) => {
      if (job && worker.jobs.has(job.id)) this.#resumeClock(worker, job);
      this.#send(worker, { type: 'permit', permit, isGranted, ...(reason && { reason }) });
    };
    const entry: HeldPermit = { endpoint, tokens, isGranted: false };
    worker.permits.set(permit, entry);
    // It may be granted or denied before `acquire` returns.
    entry.giveUp = this.#options.limiter.acquire(
      endpoint,
      tokens,
      () => {
        entry.isGranted = true;
        answer(true);
      },
      (error) => {
        worker.permits.delete(permit);
        answer(false, error.message);
      },
    );
  }

  #release(worker: Worker, { permit, usage, model, retryAfterMs }: Extract<FromWorker, { type: 'release' }>): void {
    const entry = worker.permits.get(permit);
    if (!entry) return;
    worker.permits.delete(permit);
    if (entry.isGranted) this.#options.limiter.release(entry.endpoint, entry.tokens, model, usage, retryAfterMs);
    else entry.giveUp?.();
  }

  #startClock(worker: Worker, job: Job): void {
    job.startedAt = Date.now();
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.#overdue(worker, job), job.leftMs);
  }

  #stopClock(job: Job): void {
    if (job.waiting++ > 0) return;
    clearTimeout(job.timer);
    job.leftMs -= Date.now() - job.startedAt;
  }

  #resumeClock(worker: Worker, job: Job): void {
    if (--job.waiting === 0) this.#startClock(worker, job);
  }

  #overdue(worker: Worker, job: Job): void {
    job.isOverdue = true;
    const reason = `took longer than ${this.#options.deadlineMs / 1000} s`;
    this.#send(worker, { type: 'cancel', id: job.id, reason });
    job.timer = setTimeout(() => worker.child.kill('SIGKILL'), graceMs);
  }

  /** A worker is gone: its overdue task failed, the others are done again. */
  #bury(worker: Worker, how: string): void {
    this.#workers.delete(worker);
    for (const { endpoint, tokens, isGranted, giveUp } of worker.permits.values()) {
      if (isGranted) this.#options.limiter.release(endpoint, tokens, '', { input: 0, output: 0 });
      else giveUp?.();
    }
    clearTimeout(worker.startTimer);
    if (!worker.isReady) this.#failedStarts++;
    this.#lastEnd = how;
    if (!this.#isClosed) this.#options.onWorkerEnd?.(how);
    const jobs = [...worker.jobs.values()];
    const hasOverdue = jobs.some(({ isOverdue }) => isOverdue);
    for (const job of jobs) {
      clearTimeout(job.timer);
      const isCulprit = jobs.length === 1 || job.isSuspect;
      const isAccused = job.isOverdue || !hasOverdue;
      if (this.#isClosed) job.resolve({ ...failure(job.task, 'stopped', 'the run is ending'), isStopped: true });
      else if (job.isOverdue && isCulprit) {
        job.resolve(failure(job.task, 'deadline', `took longer than ${this.#options.deadlineMs / 1000} s`));
      } else if (!hasOverdue && job.isSuspect) job.resolve(failure(job.task, 'crash', `ended its worker (${how})`));
      // One task that hangs or crashes makes those beside it late: each is done again alone, so that the culprit is
      // known.
      else this.#again(job, isAccused);
    }
    this.#dispatch();
  }

  #again(job: Job, isSuspect: boolean): void {
    job.isSuspect = isSuspect;
    job.leftMs = this.#options.deadlineMs;
    job.isOverdue = false;
    job.waiting = 0;
    this.#enqueue(job);
  }

  drain(): void {
    this.#isDraining = true;
    this.#options.limiter.stop(new ChatRexError('aborted', 'the run is ending'));
    for (const worker of this.#workers) this.#send(worker, { type: 'drain' });
    for (const { task, resolve } of this.#waiting.splice(0)) {
      resolve({ ...failure(task, 'stopped', 'the run is ending'), isStopped: true });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(
      [...this.#workers].map(({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        return new Promise((resolve) => {
          child.once('exit', resolve);
          child.kill('SIGKILL');
        });
      }),
    );
  }
}

function failure({ kind }: Task, reason: string, message: string): TaskFailure {
  const stage = kind === 'inspect' ? 'collect' : 'caption';
  return { kind: 'failed', stage, reason, message, isWorthAnotherTry: true, made: 0, reused: 0 };
}
