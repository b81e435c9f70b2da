/** A run as one page that needs no other file: figures beside those of others, curves, and the worst images. */

import type { Dataset } from '../../datasets/dataset.ts';
import { drawCurves } from '../../drawing/curves.ts';
import { drawBoxes } from '../../drawing/draw-boxes.ts';
import { escapeHtml } from '../../drawing/grounded-html.ts';
import { ChatRexError } from '../../errors.ts';
import { resizeImage } from '../../image/resize.ts';
import type { ImageSize, RgbImage } from '../../image/rgb-image.ts';
import type { DetectionRow } from '../data-suites/coco.ts';
import type { Evaluation } from '../evaluate.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { Row } from '../row.ts';
import { precisionRecallCurves } from './precision-recall-curves.ts';
import { publishedRows } from './published.ts';
import { type LabelledBox, reviewSample, type SampleReview } from './sample-review.ts';

export interface ReportOptions {
  /** Images of the worst samples are read from it; without it none are shown. */
  readonly data?: Pick<Dataset, 'image'>;
  /** How many; 12 by default. */
  readonly worst?: number;
}

const defaultWorst = 12;
/** Longer side of an image in the page. */
const shownSide = 640;
const maxCategories = 100;

/** @example await writeFile('report.html', await reportHtml(evaluation, run.rows, { data })); */
export async function reportHtml(
  evaluation: Evaluation,
  rows: readonly Row<unknown, unknown>[],
  { data, worst = defaultWorst }: ReportOptions = {},
): Promise<string> {
  const { suite, counts, notes, variant } = evaluation;
  const title = `${suite} on ${evaluation.data.name}`;
  const sections = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${counts.samples} samples, ${counts.answered} of ${counts.questions} questions answered, ${counts.failed} failed, ${counts.seconds.toFixed(1)} s of answering. Model: <code>${escapeHtml(JSON.stringify(evaluation.model))}</code>, options: <code>${escapeHtml(JSON.stringify(evaluation.options))}</code></p>`,
    notes.length === 0 ? '' : `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
    comparison(evaluation),
    `<dl>${Object.entries(variant)
      .map(([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`)
      .join('')}</dl>`,
    curves(suite, rows),
    kinds('By kind', evaluation.byKind),
    kinds('By category', evaluation.byCategory ?? {}),
    await worstSamples(suite, rows, data, worst),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width"><style>${style}</style></head>
<body>${sections.join('\n')}</body></html>
`;
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}' +
  'table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #ddd}' +
  'td:first-child,th:first-child,td.text{text-align:left}tr.own{background:#eef6ff;font-weight:600}' +
  'code{word-break:break-all}.notes{background:#fff6e0;padding:.5rem 2rem}dt{font-weight:600}' +
  '.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.pair img{width:100%}figure{margin:2rem 0}svg{max-width:100%;height:auto}';

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : (100 * value).toFixed(1);

/** The run's figures and the printed ones of others; figures that are no shares come as they are. */
function comparison({ suite, figures, data }: Evaluation): string {
  const names = Object.keys(figures);
  const isShare = (name: string) => !/error/i.test(name) && Math.abs(figures[name] ?? 0) <= 1;
  const cell = (name: string, value: number | null | undefined) =>
    `<td>${isShare(name) ? percent(value) : (value?.toFixed(3) ?? '–')}</td>`;
  const row = (of: string, name: string, from: string, own: Readonly<Record<string, number | null>>) =>
    `<tr class="${of}"><td>${escapeHtml(name)}</td>${names.map((figure) => cell(figure, own[figure])).join('')}<td class="text">${escapeHtml(from)}</td></tr>`;
  const others = publishedRows(suite);
  return [
    `<h2>Figures</h2><table><tr><th></th>${names.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}<th>data, source</th></tr>`,
    row('own', 'this run', data.name, figures),
    ...others.map((other) => row('', other.name, `${other.data}; ${other.source}`, other.figures)),
    '</table>',
    others.length === 0
      ? ''
      : '<p>Shares in percent. Figures compare only on the same images, under the same rule.</p>',
  ].join('\n');
}

function curves(suite: string, rows: readonly Row<unknown, unknown>[]): string {
  if (suite !== 'coco' && suite !== 'lvis') return '';
  const series = precisionRecallCurves(rows as readonly DetectionRow[]).map(({ iouThreshold, points }) => ({
    name: `IoU ${iouThreshold}`,
    points,
  }));
  if (series.length === 0) return '';
  const title = 'Precision over recall, mean of the categories';
  return `<h2>Curves</h2>${drawCurves(series, { title, xLabel: 'recall', yLabel: 'precision' })}`;
}

function kinds(title: string, groups: NonNullable<Evaluation['byCategory']>): string {
  const entries = Object.entries(groups);
  if (entries.length === 0) return '';
  const names = [...new Set(entries.flatMap(([, figures]) => Object.keys(figures)))];
  const shown = entries.slice(0, maxCategories);
  return [
    `<details><summary>${title}: ${entries.length}</summary><table>`,
    `<tr><th></th>${names.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}</tr>`,
    ...shown.map(([kind, figures]) => {
      const cells = names.map((name) => `<td>${figures[name]?.toFixed(4) ?? '–'}</td>`).join('');
      return `<tr><td>${escapeHtml(kind)}</td>${cells}</tr>`;
    }),
    '</table>',
    entries.length > shown.length ? `<p>and ${entries.length - shown.length} more in figures.json</p>` : '',
    '</details>',
  ].join('\n');
}

interface Reviewed extends SampleReview {
  readonly sample: string;
  readonly index: number;
}

async function worstSamples(
  suite: string,
  rows: readonly Row<unknown, unknown>[],
  data: Pick<Dataset, 'image'> | undefined,
  count: number,
): Promise<string> {
  const reviewed = [...groupBy(rows, ({ index }) => index)].flatMap(([index, own]): Reviewed[] => {
    const review = reviewSample(suite, own);
    return review === undefined ? [] : [{ ...review, index, sample: own[0].sample }];
  });
  if (reviewed.length === 0) return '';
  const worst = reviewed.sort((a, b) => a.quality - b.quality || a.index - b.index).slice(0, count);
  const figures: string[] = [];
  for (const review of worst) figures.push(await figureOf(review, data));
  return `<h2>The worst images: truth on the left, the answer on the right</h2>\n${figures.join('\n')}`;
}

async function figureOf(review: Reviewed, data: Pick<Dataset, 'image'> | undefined): Promise<string> {
  const caption = `<figcaption><b>${escapeHtml(review.sample)}</b>: ${escapeHtml(review.text)}</figcaption>`;
  if (data === undefined) return `<figure>${caption}</figure>`;
  try {
    const image = await data.image(review.index);
    const [truth, answer] = await Promise.all([drawn(image, review.truth), drawn(image, review.answer)]);
    return `<figure>${caption}<div class="pair"><img alt="truth" src="${truth}"><img alt="answer" src="${answer}"></div></figure>`;
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    return `<figure>${caption}<p>${escapeHtml(error.message)}</p></figure>`;
  }
}

async function drawn(image: RgbImage, boxes: readonly LabelledBox[]): Promise<string> {
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
  const bytes = await drawBoxes(resizeImage(image, size), boxesXyxy, { labels, format: 'jpeg' });
  return `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`;
}
