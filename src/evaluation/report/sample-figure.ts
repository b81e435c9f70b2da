/** One sample on a page: its image with the boxes of truth and answers side by side, or its question in words. */

import type { Dataset } from '../../datasets/dataset.ts';
import { colourAt, colourIndices } from '../../drawing/colours.ts';
import { drawBoxes } from '../../drawing/draw-boxes.ts';
import { escapeHtml } from '../../drawing/grounded-html.ts';
import { ChatRexError } from '../../errors.ts';
import { resizeImage } from '../../image/resize.ts';
import type { ImageSize, Rgb, RgbImage } from '../../image/rgb-image.ts';
import type { LabelledBox } from './sample-review.ts';

export type ImageSource = Pick<Dataset, 'image'>;

export interface SampleFigure {
  readonly sample: string;
  readonly index: number;
  /** What follows its name, as HTML; may be empty. */
  readonly caption: string;
  /** Lists of boxes. Each is drawn on its own copy of the image, under its title. */
  readonly sides: readonly { readonly title: string; readonly boxes: readonly LabelledBox[] }[];
  /** For questions in words: shown beside the image instead of boxes. */
  readonly words?: readonly (readonly [name: string, text: string])[];
}

/** Longer side of an image in the page. */
const shownSide = 640;
/** A page has dozens of images, and is sent by mail. */
const shownQuality = 75;
/** An answer that says the same for pages is cut. */
const mostCharacters = 2000;

/** @param data the image is read from it; without it there are words alone */
export async function sampleFigure(
  { sample, index, caption: text, sides, words }: SampleFigure,
  data: ImageSource | undefined,
): Promise<string> {
  const caption = `<figcaption><b>${escapeHtml(sample)}</b>${text}</figcaption>`;
  const said = words === undefined ? '' : wordsPart(words);
  if (data === undefined) return `<figure>${caption}${said}</figure>`;
  try {
    const image = await data.image(index);
    if (words !== undefined) {
      const url = await drawn(image, [], []);
      return `<figure>${caption}<div class="pair words"><img alt="" src="${url}">${said}</div></figure>`;
    }
    // A name has one colour on all sides.
    const colours = colourIndices(sides.flatMap(({ boxes }) => boxes.map(({ label }) => label))).map(colourAt);
    let from = 0;
    const parts: string[] = [];
    for (const { title, boxes } of sides) {
      const url = await drawn(image, boxes, colours.slice(from, from + boxes.length));
      from += boxes.length;
      const name = escapeHtml(title);
      parts.push(`<div><h3>${name}</h3><img alt="${name}" src="${url}"></div>`);
    }
    return `<figure>${caption}<div class="pair of-${sides.length}">${parts.join('')}</div></figure>`;
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    return `<figure>${caption}${said}<p>${escapeHtml(error.message)}</p></figure>`;
  }
}

/** What was answered, with a word for an answer that is missing or empty. */
export function saidOf(answer: string | undefined): string {
  if (answer === undefined) return '(no answer)';
  return answer.trim() === '' ? '(nothing)' : answer;
}

function wordsPart(words: NonNullable<SampleFigure['words']>): string {
  const lines = words.map(([name, text]) => {
    const cut = text.length > mostCharacters ? `${text.slice(0, mostCharacters)} ...` : text;
    return `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(cut)}</dd>`;
  });
  return `<dl>${lines.join('')}</dl>`;
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
  const style = { labels, colours, format: 'webp', quality: shownQuality } as const;
  const bytes = await drawBoxes(resizeImage(image, size), boxesXyxy, style);
  return `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`;
}
