/** The samples about which two runs differ most: better in the second, and worse, drawn side by side. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import type { RunPair } from '../run-pair.ts';
import { type ImageSource, saidOf, sampleFigure } from './sample-figure.ts';
import { reviewSample, type SampleReview } from './sample-review.ts';
import type { Reviewer } from './worst-samples.ts';

export interface ChangedOptions {
  /** Images are read from it; without it there are words alone. */
  readonly data?: ImageSource;
  /** Samples that are shown of each kind; 12 by default. */
  readonly most?: number;
  /** How the samples of each run are reviewed; as their suite does by default. */
  readonly reviews?: readonly [Reviewer, Reviewer];
}

interface Changed {
  readonly sample: string;
  readonly index: number;
  readonly first: SampleReview;
  readonly second: SampleReview;
  /** Quality of the second less that of the first. */
  readonly change: number;
}

const defaultMost = 12;
/** Qualities are quotients: what differs by less is rounding. */
const leastChange = 1e-9;

/** Empty for a suite whose samples cannot be shown. */
export async function changedPart(
  { first: { suite }, samples }: Pick<RunPair, 'first' | 'samples'>,
  { data, most = defaultMost, reviews }: ChangedOptions = {},
): Promise<string> {
  const own: Reviewer = async (rows) => reviewSample(suite, rows);
  const [reviewFirst, reviewSecond] = reviews ?? [own, own];
  const reviewed: Changed[] = [];
  for (const { index, first: firstRows, second: secondRows } of samples) {
    const [first, second] = [await reviewFirst(firstRows), await reviewSecond(secondRows)];
    if (first === undefined || second === undefined) continue;
    reviewed.push({ sample: firstRows[0].sample, index, first, second, change: second.quality - first.quality });
  }
  if (reviewed.length === 0) return '';
  const better = reviewed.filter(({ change }) => change > leastChange);
  const worse = reviewed.filter(({ change }) => change < -leastChange);
  const same = reviewed.length - better.length - worse.length;
  const counts = `${better.length} better in the second run, ${worse.length} worse, ${same} as good in both`;
  const parts = [
    `<h2>Samples</h2><p>${counts}. The largest changes come first.</p>`,
    await listOf('Better in the second run', better, most, data),
    await listOf('Worse in the second run', worse, most, data),
  ];
  return parts.filter(Boolean).join('\n');
}

async function listOf(
  title: string,
  changed: readonly Changed[],
  most: number,
  data: ImageSource | undefined,
): Promise<string> {
  if (changed.length === 0) return '';
  const shown = [...changed]
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || a.index - b.index)
    .slice(0, most);
  const figures: string[] = [];
  for (const one of shown) figures.push(await figureOf(one, data));
  const rest = changed.length - shown.length;
  const more = rest > 0 ? `<p>and ${rest} more, with smaller changes</p>` : '';
  return `<h3 class="part">${title}</h3>\n${figures.join('\n')}${more}`;
}

function figureOf({ sample, index, first, second }: Changed, data: ImageSource | undefined): Promise<string> {
  const says = (name: string, { text, quality }: SampleReview) =>
    `<br>${name}: ${text === '' ? (quality >= 1 ? 'right' : quality <= 0 ? 'wrong' : quality.toFixed(2)) : escapeHtml(text)}`;
  const { words } = first;
  return sampleFigure(
    {
      ...{ sample, index },
      caption: `${says('first', first)}${says('second', second)}`,
      sides: [
        { title: 'truth', boxes: first.truth },
        { title: 'first', boxes: first.answer },
        { title: 'second', boxes: second.answer },
      ],
      words: words && [
        ['question', words.question],
        ['truth', words.truth],
        ['first', saidOf(words.answer)],
        ['second', saidOf(second.words?.answer)],
      ],
    },
    data,
  );
}
