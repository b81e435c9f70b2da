/** Commands over many images: their answers in order, drawings in a folder, progress, what was skipped. */

import { ChatRexError } from '../errors.ts';
import type { FoundImages } from './image-files.ts';
import { interruptible } from './interruption.ts';
import { type LookOutcome, lookAtAll } from './look-at-all.ts';
import type { LookJob } from './looker.ts';
import { oneLine } from './one-line.ts';
import type { LookRequest } from './open-looker.ts';
import { drawingTargets, OutputFiles } from './output-files.ts';
import { progressBar } from './progress.ts';

/** Exit status when some images could not be read and the others were done. */
export const someFailedStatus = 3;

export interface TellOptions {
  readonly out?: string;
  readonly force?: boolean;
  /** What is added to the name of an image for its drawing in a folder. */
  readonly ending: string;
  /** Whether a drawing may be a page. */
  readonly mayBeHtml?: boolean;
}

/**
 * Prints what is made of every image and writes its drawing. An image that cannot be read is named and skipped, unless
 * it is the only one.
 * @throws ChatRexError for outputs that may not be written, a model that cannot be opened, 'aborted'
 */
export async function tellOfAll(
  title: string,
  request: LookRequest,
  { images, leftOut }: FoundImages,
  { out, force, ...drawing }: TellOptions,
): Promise<void> {
  for (const path of leftOut) process.stderr.write(`left out: ${oneLine(path)}; convert it to JPEG or PNG first\n`);
  const outputs = new OutputFiles(
    images.map(({ path }) => path),
    force,
  );
  const targets = out === undefined ? undefined : await drawingTargets(out, images, drawing);
  await outputs.require(targets ?? []);
  const bar = images.length > 1 && !(process.stdout.isTTY && !out) ? progressBar(title, images.length) : null;
  const toStderr = (line: string) =>
    process.stderr.write(`${process.stderr.isTTY && bar ? '\r\x1b[2K' : ''}${oneLine(line)}\n`);
  const jobs = images.map(({ path }, i) => ({ path, target: targets?.[i] }));
  let [done, failures] = [0, 0];
  const onOutcome = async ({ target }: LookJob, outcome: LookOutcome) => {
    if ('failure' in outcome) {
      const { code, message } = outcome.failure;
      if (images.length === 1) throw new ChatRexError(code, message);
      failures++;
      toStderr(`skipped: ${message}`);
    } else {
      const { text, notes, drawing } = outcome.report;
      for (const note of notes) toStderr(note);
      process.stdout.write(text);
      if (target !== undefined && drawing) await outputs.write(target, drawing);
    }
    done++;
    bar?.update(done, images[done]?.place);
  };
  bar?.update(0, images[0]?.place);
  await interruptible((signal) => lookAtAll(request, jobs, { onOutcome, signal }));
  bar?.end(`${images.length - failures} of ${images.length} images done`);
  if (failures > 0) process.exitCode = failures === images.length ? 1 : someFailedStatus;
}
