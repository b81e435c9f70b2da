/**
 * What is exported of a run: its finished entries, each image once, in the order of the list, with the place of the
 * image.
 */

import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { DoneOutcome } from '../annotation.ts';
import { Duplicates } from '../collect/duplicates.ts';
import { outcomesOf } from '../outcomes.ts';
import { readRunFile, runFolders } from '../run-folder.ts';

export interface AnnotatedImage {
  readonly outcome: DoneOutcome;
  /** Absolute. */
  readonly file: string;
}

/**
 * Shards judge copies among their own images; here the copies between them are left out as well.
 * @param duplicateBits as for the run; files that are equal are left out in any case
 */
export async function* annotatedImages(folder: string, duplicateBits = 4): AsyncGenerator<AnnotatedImage> {
  const folders = await runFolders(folder);
  const roots = new Map<string, string>();
  for (const run of folders) roots.set(run, (await readRunFile(run))?.root ?? run);
  const duplicates = folders.length > 1 ? new Duplicates(duplicateBits) : undefined;
  for await (const { outcome, folder: run } of outcomesOf(folder)) {
    if (outcome.state !== 'done') continue;
    const { id, looks, file, isDownloaded } = outcome.item;
    if (duplicates?.findOrKeep(outcome.index, id, looks) !== undefined) continue;
    yield { outcome, file: isAbsolute(file) ? file : join(isDownloaded ? run : (roots.get(run) as string), file) };
  }
}

/** The path of an image as a file beside it would name it. */
export function relativeTo(output: string, file: string): string {
  return relative(dirname(output), file).split(sep).join('/');
}
