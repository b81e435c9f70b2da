/** Runs the engine over photographs whose boxes are known, and scores the boxes of its phrases. */

import { resolve } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import type { Annotation, Outcome } from '../annotation.ts';
import type { ListedImage } from '../collect/list.ts';
import { outcomesOfRun } from '../outcomes.ts';
import { type RunOptions, type RunSummary, runRexverse } from '../run.ts';
import { phrasesOf } from '../stages/phrases.ts';
import { type PhotoTruths, readPhotoTruths } from './photo-truth.ts';
import { addPhoto, emptyPhotoScore, type PhotoScore } from './score-photos.ts';

export interface PhotosMeasure {
  readonly photos: number;
  /** Captions: those of the data set, or one of the captioner for each photograph. */
  readonly captions: number;
  /** Captions of which at least one phrase has a box. */
  readonly done: number;
  readonly score: PhotoScore;
}

export interface PhotosOptions extends Omit<RunOptions, 'source' | 'shard'> {
  /** With `instances.json`, `images/` and `captions.json`. */
  readonly photos: string;
  readonly split?: string;
  /** Captions of `captions.json` in the captioner's place. */
  readonly areCaptionsGiven: boolean;
}

/** @throws ChatRexError as `runRexverse` and `readPhotoTruths` do, and when there are no captions to take */
export async function measurePhotos({
  photos: folder,
  split,
  areCaptionsGiven,
  ...run
}: PhotosOptions): Promise<{ measure: PhotosMeasure; summary: RunSummary }> {
  const truths = await readPhotoTruths(folder, split);
  const entries = [...entriesFor(truths, areCaptionsGiven)];
  if (entries.length === 0) {
    throw new ChatRexError('not-found', `${folder}: no captions of images with boxes; name a --captioner instead`);
  }
  const images = (async function* () {
    yield* entries;
  })();
  const summary = await runRexverse({ ...run, source: { root: resolve(folder), images } });
  const byFile = new Map(truths.photos.map((truth) => [truth.file, truth]));
  const score = emptyPhotoScore();
  let [done, captions] = [0, 0];
  for await (const outcome of outcomesOfRun(summary.folder)) {
    captions++;
    const truth = byFile.get(entries[outcome.index].file as string);
    if (outcome.state === 'done') done++;
    const annotation = annotationOf(outcome);
    if (truth && annotation) addPhoto(score, truth, annotation, truths.categories);
  }
  const photos = new Set(entries.map(({ file }) => file)).size;
  return { measure: { photos, captions, done, score }, summary };
}

/** Of an image that was left out because nothing was found, its phrases: what they mean was missed. */
function annotationOf(outcome: Outcome): Annotation | undefined {
  if (outcome.state === 'done') return outcome.annotation;
  if (outcome.state !== 'filtered' || outcome.stage !== 'ground') return undefined;
  const text = outcome.detail ?? '';
  return { texts: [{ text, phrases: phrasesOf(text) }], regions: [], dropped: [] };
}

function* entriesFor({ photos }: PhotoTruths, areCaptionsGiven: boolean): Generator<ListedImage> {
  for (const { file, captions } of photos) {
    if (!areCaptionsGiven) yield { name: file, file };
    else for (const [at, caption] of captions.entries()) yield { name: `${file} ${at + 1}`, file, caption };
  }
}
