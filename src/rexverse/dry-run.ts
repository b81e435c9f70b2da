/**
 * What a run will take, from a sample of its list: entries that lie evenly in it are really annotated, and what they
 * took is multiplied. Nothing of it is wasted: the run finds the calls of the sample again.
 */

import { join, resolve } from 'node:path';
import type { Entry } from './annotation.ts';
import type { Usage } from './models/calls.ts';
import { openExecutor, openRun, type RunOptions } from './run.ts';
import { entriesOf, lockFolder, shardName } from './run-folder.ts';
import type { Executor } from './work/executor.ts';
import { costOf, Limiter } from './work/limiter.ts';
import type { TaskResult } from './work/messages.ts';
import { workerSetup } from './worker-setup.ts';

export interface Estimate {
  readonly entries: number;
  /** Entries that were tried. */
  readonly sample: number;
  /** How the sample ended, by state. */
  readonly ended: { readonly done: number; readonly filtered: number; readonly failed: number };
  /** Of the whole list. */
  readonly calls: number;
  readonly tokens: Readonly<Record<string, Usage>>;
  readonly cost: number;
  /** With the workers and limits of the sample. */
  readonly seconds: number;
}

/** @throws ChatRexError as `runRexverse` does */
export async function estimateRun(options: RunOptions, sampleSize: number): Promise<Estimate> {
  const folder = options.shard ? join(options.out, shardName(options.shard)) : options.out;
  const unlock = await lockFolder(folder);
  try {
    const run = await openRun(folder, options);
    const limiter = new Limiter({ limits: options.limits ?? {}, budget: options.budget, prices: options.prices });
    const setup = workerSetup({ folder: resolve(folder), root: run.root, settings: options.settings }, options);
    const executor = await openExecutor(setup, run, limiter, options, {});
    const stop = () => executor.drain();
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      const step = Math.max(1, Math.floor(run.entries / sampleSize));
      const chosen: { entry: Entry; block: number }[] = [];
      let place = 0;
      for await (const one of entriesOf(folder, run)) {
        if (place++ % step === 0 && chosen.length < sampleSize) chosen.push(one);
      }
      const startedAt = performance.now();
      const results = await Promise.all(chosen.map(({ entry, block }) => annotate(executor, entry, block)));
      const seconds = (performance.now() - startedAt) / 1000;
      const factor = run.entries / chosen.length;
      const spent = [...limiter.spent].filter(([model]) => model !== '');
      const calls = results.reduce((sum, result) => sum + ('made' in result ? result.made + result.reused : 0), 0);
      const count = (...kinds: TaskResult['kind'][]) => results.filter(({ kind }) => kinds.includes(kind)).length;
      return {
        ...{ entries: run.entries, sample: chosen.length },
        ended: { done: count('annotated'), filtered: count('filtered'), failed: count('failed', 'inspected') },
        calls: Math.round(calls * factor),
        tokens: Object.fromEntries(
          spent.map(([model, { input, output }]) => [
            model,
            { input: Math.round(input * factor), output: Math.round(output * factor) },
          ]),
        ),
        cost: costOf(limiter.spent, options.prices ?? {}) * factor,
        seconds: seconds * factor,
      };
    } finally {
      options.signal?.removeEventListener('abort', stop);
      await executor.close();
    }
  } finally {
    await unlock();
  }
}

/** Looks at an image and annotates it; copies of other images are not known in a sample. */
async function annotate(executor: Executor, entry: Entry, block: number): Promise<TaskResult> {
  const looked = await executor.run({ kind: 'inspect', entry, block });
  if (looked.kind !== 'inspected') return looked;
  const { inspection, file, isDownloaded } = looked;
  const { imageHash, width, height, reason } = inspection;
  if (reason) return { kind: 'filtered', stage: 'collect', reason, made: 0, reused: 0 };
  const item = { id: imageHash, imageHash, file, isDownloaded, width, height };
  return executor.run({ kind: 'annotate', entry, block, item });
}
