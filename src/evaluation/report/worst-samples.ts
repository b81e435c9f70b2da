/** The samples that a run did worst, truth and answer drawn side by side. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { Row } from '../row.ts';
import { type ImageSource, saidOf, sampleFigure } from './sample-figure.ts';
import { reviewSample, type SampleReview } from './sample-review.ts';

/** Reviews all rows of one sample; undefined where there is nothing to show. */
export type Reviewer = (rows: readonly Row<unknown, unknown>[]) => Promise<SampleReview | undefined>;

interface Reviewed extends SampleReview {
  readonly sample: string;
  readonly index: number;
}

/**
 * @param data images are read from it; without it there are words alone
 * @param review how a sample is reviewed; as its suite does by default
 */
export async function worstPart(
  suite: string,
  rows: readonly Row<unknown, unknown>[],
  data: ImageSource | undefined,
  count: number,
  review: Reviewer = async (own) => reviewSample(suite, own),
): Promise<string> {
  const reviewed: Reviewed[] = [];
  for (const [index, own] of groupBy(rows, (row) => row.index)) {
    const found = await review(own);
    if (found !== undefined) reviewed.push({ ...found, index, sample: own[0].sample });
  }
  // What is right is not among the worst.
  const worst = reviewed
    .filter(({ quality }) => quality < 1)
    .sort((a, b) => a.quality - b.quality || a.index - b.index)
    .slice(0, count);
  if (reviewed.length === 0) return '';
  if (worst.length === 0) return '<h2>The worst samples</h2><p>All answers are right.</p>';
  const figures: string[] = [];
  for (const one of worst) figures.push(await figureOf(one, data));
  return `<h2>The worst samples</h2>\n${figures.join('\n')}`;
}

function figureOf({ sample, index, text, words, truth, answer }: Reviewed, data: ImageSource | undefined) {
  const sides = [
    { title: 'truth', boxes: truth },
    { title: 'answer', boxes: answer },
  ];
  const lines =
    words &&
    ([
      ['question', words.question],
      ['truth', words.truth],
      ['answer', saidOf(words.answer)],
    ] as const);
  return sampleFigure(
    { sample, index, caption: text === '' ? '' : `: ${escapeHtml(text)}`, sides, words: lines },
    data,
  );
}
