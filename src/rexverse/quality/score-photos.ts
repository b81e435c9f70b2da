/**
 * What of grounded phrases is true on photographs whose boxes are known. Judged are phrases that name a category of the
 * data set; a box is right when it overlaps a true box of that category by IoU .5, each true box once.
 */

import { matchBoxes } from '../../evaluation/metrics/match-boxes.ts';
import type { AnnotatedPhrase, Annotation } from '../annotation.ts';
import { categoryOfPhrase } from '../models/category-of-phrase.ts';
import type { PhotoTruth } from './photo-truth.ts';
import type { Share } from './score-world.ts';

export const photoMeasures = [
  'phrases that name a category',
  'box precision',
  'box recall',
  'phrases with a right box',
  'absent things left without a box',
] as const;
export type PhotoMeasureName = (typeof photoMeasures)[number];
export type PhotoScore = Record<PhotoMeasureName, Share>;

export function emptyPhotoScore(): PhotoScore {
  return Object.fromEntries(photoMeasures.map((name) => [name, { right: 0, all: 0 }])) as unknown as PhotoScore;
}

/** How one phrase fared. */
export interface JudgedPhrase {
  readonly phrase: AnnotatedPhrase;
  readonly category: string | undefined;
  /** Things that the phrase means, as far as the image shows them. */
  readonly wanted: number;
  /** Boxes that count: those inside a crowd do not. */
  readonly boxes: number;
  readonly right: number;
}

/** Adds a photograph with one of its captions. */
export function addPhoto(
  score: PhotoScore,
  truth: PhotoTruth,
  annotation: Annotation,
  categories: readonly string[],
): void {
  for (const { category, wanted, boxes, right } of judgePhrases(truth, annotation, categories)) {
    const add = (name: PhotoMeasureName, part: number, all: number) => {
      score[name].right += part;
      score[name].all += all;
    };
    add('phrases that name a category', category === undefined ? 0 : 1, 1);
    if (category === undefined) continue;
    add('box precision', right, boxes);
    add('box recall', Math.min(right, wanted), wanted);
    if (wanted > 0) add('phrases with a right box', right > 0 ? 1 : 0, 1);
    else add('absent things left without a box', boxes === 0 ? 1 : 0, 1);
  }
}

export function judgePhrases(
  truth: PhotoTruth,
  { texts, regions }: Annotation,
  categories: readonly string[],
): JudgedPhrase[] {
  return texts.flatMap(({ phrases }) =>
    phrases.map((phrase) => {
      const category = categoryOfPhrase(phrase.query, categories);
      const own = truth.boxes.filter((box) => box.category === category);
      const truths = own.filter(({ isCrowd }) => !isCrowd).map(({ boxXyxy }) => boxXyxy);
      const crowds = own.filter(({ isCrowd }) => isCrowd).map(({ boxXyxy }) => boxXyxy);
      const found = phrase.regions.map((region) => regions[region].boxXyxy);
      const pairs = matchBoxes(found, truths);
      const taken = new Set(pairs.map(({ predicted }) => predicted));
      const ignored = found.filter((box, at) => !taken.has(at) && crowds.some((crowd) => inside(box, crowd) >= 0.5));
      return {
        ...{ phrase, category, boxes: found.length - ignored.length, right: pairs.length },
        wanted: phrase.count === 'several' ? truths.length : Math.min(phrase.count, truths.length),
      };
    }),
  );
}

type Box = PhotoTruth['boxes'][number]['boxXyxy'];

/** Share of a box that lies in another. */
function inside([x1, y1, x2, y2]: Box, [left, top, right, bottom]: Box): number {
  const across = Math.max(0, Math.min(x2, right) - Math.max(x1, left));
  const down = Math.max(0, Math.min(y2, bottom) - Math.max(y1, top));
  return (across * down) / ((x2 - x1) * (y2 - y1));
}
