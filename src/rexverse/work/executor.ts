/** Where tasks are done: in worker processes of this machine, or in those of many machines through a queue. */

import type { StageName } from '../annotation.ts';
import type { Task, TaskResult } from './messages.ts';

export interface Executor {
  /** Does a task. It never rejects: whatever happens to a worker is a result. */
  run(task: Task): Promise<TaskResult>;
  /** Tasks that are worth having under way at once. */
  readonly capacity: number;
  /** No new model calls; those under way are finished. */
  drain(): void;
  close(): Promise<void>;
}

export interface ExecutorEvents {
  readonly onPassed?: (stages: Readonly<Partial<Record<StageName, number>>>) => void;
  readonly onWorkerEnd?: (how: string) => void;
}
