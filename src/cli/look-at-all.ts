/**
 * A folder of images, looked at as fast as the machine allows, told in the order given.
 *
 * One model looks at one more image at once than there are cores (at four at most), with one thread for each: threads
 * of one operator wait for each other more than they compute. Of what a large model computes there is room for one; it
 * has all cores, and the next image is decoded meanwhile.
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFolder } from '../chatrex.ts';
import { ChatRexError, type ErrorCode, requireNotAborted } from '../errors.ts';
import { locateNetwork } from '../proposals/locate.ts';
import { defaultThreads } from '../runtime/threads.ts';
import { Turns } from '../runtime/turns.ts';
import { openImage, standardInput } from './image-files.ts';
import type { Looker, LookJob, LookReport } from './looker.ts';
import { type LookRequest, openLooker } from './open-looker.ts';

/** What became of an image. */
export type LookOutcome =
  | { readonly report: LookReport }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } };

export interface LookOptions {
  /** Called in the order of the jobs, one at a time. */
  readonly onOutcome: (job: LookJob, outcome: LookOutcome) => Promise<void> | void;
  /**
   * How many images are looked at at once. By default 1 with large models, few images and images on standard input,
   * and otherwise one more than there are cores, up to four.
   */
  readonly atOnce?: number;
  readonly signal?: AbortSignal;
}

/** Fewer images are done before it pays that each has one thread. */
const fewestAtOnce = 6;
/** Weights of a model that may hold what it computes for several images, in bytes. */
const mostWeightBytes = 64 * 2 ** 20;
/** Memory grows with each. */
const mostAtOnce = 4;
/** Images that may be done before an earlier one. */
const mostAhead = 32;

/**
 * Looks at every image. What is wrong with one image is an outcome; everything else ends the work.
 * @throws ChatRexError for a model that cannot be opened, wrong options, 'aborted'
 */
export async function lookAtAll(
  request: LookRequest,
  jobs: readonly LookJob[],
  { onOutcome, atOnce, signal }: LookOptions,
): Promise<void> {
  const most = atOnce ?? (await defaultAtOnce(request, jobs));
  const looker = await openLooker(request, most);
  const failed = new AbortController();
  const look = lookWith(looker, most, signal ? AbortSignal.any([signal, failed.signal]) : failed.signal);
  const outcomes: Promise<LookOutcome>[] = [];
  try {
    for (const [told, job] of jobs.entries()) {
      while (outcomes.length < Math.min(jobs.length, told + mostAhead)) {
        const outcome = look(jobs[outcomes.length]);
        // What is wrong is told when its turn comes.
        outcome.catch(() => {});
        outcomes.push(outcome);
      }
      const outcome = await outcomes[told];
      requireNotAborted(signal, 'the work');
      await onOutcome(job, outcome);
      delete outcomes[told];
    }
  } finally {
    failed.abort();
    await Promise.allSettled(outcomes);
    await looker.dispose();
  }
}

/** Looks at `most` images at once, and decodes one while another is looked at. */
function lookWith(looker: Looker, most: number, signal: AbortSignal): (job: LookJob) => Promise<LookOutcome> {
  const [open, looked] = [new Turns(() => Math.max(2, most)), new Turns(() => most)];
  return async (job) => {
    const warnings: string[] = [];
    const close = await open.take();
    try {
      requireNotAborted(signal, 'the work');
      const image = await openImage(job.path, { onWarning: (warning) => warnings.push(warning) });
      const leave = await looked.take();
      try {
        const { notes, ...report } = await looker.look(job, image, signal);
        return { report: { ...report, notes: [...warnings, ...notes] } };
      } finally {
        leave();
      }
    } catch (error) {
      if (!(error instanceof ChatRexError)) throw error;
      return failureOfImage(error);
    } finally {
      close();
    }
  };
}

/** One for each core and one more, up to four, where the model is small; 1 where that would not pay. */
async function defaultAtOnce(request: LookRequest, jobs: readonly LookJob[]): Promise<number> {
  if (jobs.length < fewestAtOnce || jobs.some(({ path }) => path === standardInput)) return 1;
  return (await weightBytes(request)) <= mostWeightBytes ? Math.min(defaultThreads() + 1, mostAtOnce) : 1;
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
