/**
 * A folder of images, looked at as fast as the machine allows, told in the order given.
 *
 * Small models are opened once for every core, with one thread each (on more than four cores four times): threads of
 * one operator wait for each other more than they compute. Of large ones there is room for one, which has all cores;
 * the next image is decoded meanwhile.
 */

import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { modelFolder } from '../chatrex.ts';
import { ChatRexError, type ErrorCode } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { locateNetwork } from '../proposals/locate.ts';
import type { SessionOptions } from '../runtime/session.ts';
import { runInWorkers } from '../workers/pool.ts';
import { openImage, standardInput } from './image-files.ts';
import type { LookJob, LookReport } from './looker.ts';
import { type LookRequest, openLooker } from './open-looker.ts';

/** What became of an image. */
export type LookOutcome =
  | { readonly report: LookReport }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } };

/** What a worker thread is started with. */
export interface LookWorkerData {
  readonly request: LookRequest;
  readonly session: SessionOptions;
}

export interface LookOptions {
  /** Called in the order of the jobs, one at a time. */
  readonly onOutcome: (job: LookJob, outcome: LookOutcome) => Promise<void> | void;
  /**
   * How many models are open at once. By default 1 for images on standard input, large models and few images, and
   * one for each core otherwise, up to four.
   */
  readonly models?: number;
  readonly signal?: AbortSignal;
}

/** Fewer images are done before a second model is open. */
const fewestForWorkers = 6;
/** Weights of a model that may be held more than once, in bytes. */
const mostCopiedBytes = 64 * 2 ** 20;
/** Memory grows with each. */
const mostModels = 4;
/** How many outcomes may wait for an earlier image. */
const mostWaiting = 32;

/**
 * Looks at every image. What is wrong with one image is an outcome; everything else ends the work.
 * @throws ChatRexError for a model that cannot be opened, wrong options, 'aborted'
 */
export async function lookAtAll(
  request: LookRequest,
  jobs: readonly LookJob[],
  { onOutcome, models, signal }: LookOptions,
): Promise<void> {
  const count = models ?? (await modelCount(request, jobs));
  if (count > 1) await lookInWorkers(request, jobs, { onOutcome, models: count, signal });
  else await lookHere(request, jobs, { onOutcome, signal });
}

/** One for each core, up to four, where the model is small; 1 where that would not pay. */
async function modelCount(request: LookRequest, jobs: readonly LookJob[]): Promise<number> {
  if (jobs.length < fewestForWorkers || jobs.some(({ path }) => path === standardInput)) return 1;
  return (await weightBytes(request)) <= mostCopiedBytes ? Math.min(availableParallelism(), mostModels) : 1;
}

/** Of the files that a request names. */
async function weightBytes(request: LookRequest): Promise<number> {
  const paths =
    request.kind === 'propose'
      ? [(await locateNetwork(request.model)).path]
      : [modelFolder(request.model), ...(request.upn === undefined ? [] : [(await locateNetwork(request.upn)).path])];
  const sizes = await Promise.all(paths.map(bytesAt));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

async function bytesAt(path: string): Promise<number> {
  const info = await stat(path);
  if (!info.isDirectory()) return info.size;
  const sizes = (await readdir(path)).map((name) => bytesAt(join(path, name)));
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
}

/** @throws what is no fault of one image: somebody ended the work, or an option is wrong */
function failureOfImage({ code, message }: { code: ErrorCode; message: string }): LookOutcome {
  if (code === 'aborted' || code === 'invalid-argument') throw new ChatRexError(code, message);
  return { failure: { code, message } };
}

/** Here, with the next image decoded while this one is looked at. */
async function lookHere(request: LookRequest, jobs: readonly LookJob[], { onOutcome, signal }: LookOptions) {
  const looker = await openLooker(request);
  const open = (job: LookJob | undefined) => {
    const warnings: string[] = [];
    const image = job && openImage(job.path, { onWarning: (warning) => warnings.push(warning) });
    // What is wrong with it is told when its turn comes.
    image?.catch(() => {});
    return { warnings, image };
  };
  try {
    let next = open(jobs[0]);
    for (const [i, job] of jobs.entries()) {
      const { warnings, image } = next;
      let outcome: LookOutcome;
      try {
        const opened = (await image) as RgbImage;
        next = open(jobs[i + 1]);
        const { notes, ...report } = await looker.look(job, opened, signal);
        outcome = { report: { ...report, notes: [...warnings, ...notes] } };
      } catch (error) {
        if (!(error instanceof ChatRexError)) throw error;
        outcome = failureOfImage(error);
        if (next.image === image) next = open(jobs[i + 1]);
      }
      await onOutcome(job, outcome);
    }
  } finally {
    await looker.dispose();
  }
}

async function lookInWorkers(
  request: LookRequest,
  jobs: readonly LookJob[],
  { onOutcome, models: threads, signal }: LookOptions,
): Promise<void> {
  const session = { threads: Math.max(1, Math.floor(availableParallelism() / (threads as number))) };
  const data: LookWorkerData = { request, session };
  const worker = { module: './look-worker.ts', base: import.meta.url, data };
  const waiting = new Map<number, LookOutcome>();
  let sleepers: (() => void)[] = [];
  let told = 0;
  let telling: Promise<void> = Promise.resolve();
  const tell = async () => {
    for (let outcome = waiting.get(told); outcome && !signal?.aborted; outcome = waiting.get(told)) {
      await onOutcome(jobs[told], outcome);
      waiting.delete(told++);
      for (const wake of sleepers) wake();
      sleepers = [];
    }
  };
  await runInWorkers<LookJob & { index: number }, LookOutcome>(
    worker,
    jobs.map((job, index) => ({ ...job, index })),
    async ({ index }, outcome) => {
      waiting.set(index, 'failure' in outcome ? failureOfImage(outcome.failure) : outcome);
      telling = telling.then(tell);
      await telling;
      // The image that is next is never among those that wait here.
      while (waiting.size > mostWaiting) await new Promise<void>((wake) => sleepers.push(wake));
    },
    { threads, signal },
  );
}
