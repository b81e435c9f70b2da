/** The samples that a run did worst, truth and answer drawn side by side. */

import type { Dataset } from '../../datasets/dataset.ts';
import { colourAt, colourIndices } from '../../drawing/colours.ts';
import { drawBoxes } from '../../drawing/draw-boxes.ts';
import { escapeHtml } from '../../drawing/grounded-html.ts';
import { ChatRexError } from '../../errors.ts';
import { resizeImage } from '../../image/resize.ts';
import type { ImageSize, Rgb, RgbImage } from '../../image/rgb-image.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { Row } from '../row.ts';
import { type LabelledBox, type ReviewedWords, reviewSample, type SampleReview } from './sample-review.ts';

/** Reviews all rows of one sample; undefined where there is nothing to show. */
export type Reviewer = (rows: readonly Row<unknown, unknown>[]) => Promise<SampleReview | undefined>;

/** Longer side of an image in the page. */
const shownSide = 640;
/** An answer that says the same for pages is cut. */
const mostCharacters = 2000;

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
  data: Pick<Dataset, 'image'> | undefined,
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

async function figureOf(review: Reviewed, data: Pick<Dataset, 'image'> | undefined): Promise<string> {
  const { sample, text, words, truth, answer } = review;
  const caption = `<figcaption><b>${escapeHtml(sample)}</b>${text === '' ? '' : `: ${escapeHtml(text)}`}</figcaption>`;
  const said = words === undefined ? '' : wordsPart(words);
  if (data === undefined) return `<figure>${caption}${said}</figure>`;
  try {
    const image = await data.image(review.index);
    if (words !== undefined) {
      const url = await drawn(image, [], []);
      return `<figure>${caption}<div class="pair words"><img alt="" src="${url}">${said}</div></figure>`;
    }
    // A name has one colour on both sides.
    const indices = colourIndices([...truth, ...answer].map(({ label }) => label));
    const colours = indices.map(colourAt);
    const [left, right] = await Promise.all([
      drawn(image, truth, colours.slice(0, truth.length)),
      drawn(image, answer, colours.slice(truth.length)),
    ]);
    const side = (title: string, url: string) => `<div><h3>${title}</h3><img alt="${title}" src="${url}"></div>`;
    return `<figure>${caption}<div class="pair">${side('truth', left)}${side('answer', right)}</div></figure>`;
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    return `<figure>${caption}${said}<p>${escapeHtml(error.message)}</p></figure>`;
  }
}

function wordsPart({ question, answer, truth }: ReviewedWords): string {
  const said = answer === undefined ? '(no answer)' : answer.trim() === '' ? '(nothing)' : answer;
  const line = (name: string, text: string) => {
    const cut = text.length > mostCharacters ? `${text.slice(0, mostCharacters)} ...` : text;
    return `<dt>${name}</dt><dd>${escapeHtml(cut)}</dd>`;
  };
  return `<dl>${line('question', question)}${line('truth', truth)}${line('answer', said)}</dl>`;
}

async function drawn(image: RgbImage, boxes: readonly LabelledBox[], colours: readonly Rgb[]): Promise<string> {
  const scale = Math.min(1, shownSide / Math.max(image.width, image.height));
  const size: ImageSize = {
    width: Math.max(1, Math.round(image.width * scale)),
    height: Math.max(1, Math.round(image.height * scale)),
  };
  const [x, y] = [size.width / image.width, size.height / image.height];
  const boxesXyxy = Float64Array.from(
    boxes.flatMap(({ boxXyxy: [left, top, right, bottom] }) => [left * x, top * y, right * x, bottom * y]),
  );
  const labels = boxes.map(({ label }) => label);
  const bytes = await drawBoxes(resizeImage(image, size), boxesXyxy, { labels, colours, format: 'jpeg' });
  return `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`;
}
