/** Worker thread of a folder of images: opens the model with its share of the cores, then looks at one image a task. */

import { workerData } from 'node:worker_threads';
import { ChatRexError } from '../errors.ts';
import { serveTasks, Transferred } from '../workers/protocol.ts';
import { openImage } from './image-files.ts';
import type { LookOutcome, LookWorkerData } from './look-at-all.ts';
import type { LookJob } from './looker.ts';
import { openLooker } from './open-looker.ts';

const { request, session } = workerData as LookWorkerData;
const looker = openLooker(request, session);
// Whoever asks first is told.
looker.catch(() => {});

serveTasks<LookJob, LookOutcome>(async (job) => {
  const { look } = await looker;
  const warnings: string[] = [];
  try {
    const image = await openImage(job.path, { onWarning: (warning) => warnings.push(warning) });
    const { notes, ...report } = await look(job, image);
    const { drawing } = report;
    const memory = drawing && drawing.byteLength === drawing.buffer.byteLength ? [drawing.buffer as ArrayBuffer] : [];
    return new Transferred<LookOutcome>({ report: { ...report, notes: [...warnings, ...notes] } }, memory);
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
});
