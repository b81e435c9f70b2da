/** A run as one page that needs no other file: figures beside those of others, curves, and the worst samples. */

import type { Dataset } from '../../datasets/dataset.ts';
import { drawCurves } from '../../drawing/curves.ts';
import { escapeHtml } from '../../drawing/grounded-html.ts';
import type { DetectionRow } from '../data-suites/coco.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Row } from '../row.ts';
import { precisionRecallCurves } from './precision-recall-curves.ts';
import { pageOf } from './report-page.ts';
import { figuresPart, kindsPart, publishedPart } from './report-tables.ts';
import { type Reviewer, worstPart } from './worst-samples.ts';

export interface ReportOptions {
  /** Images of the worst samples are read from it; without it none are shown. */
  readonly data?: Pick<Dataset, 'image'>;
  /** How many; 12 by default. */
  readonly worst?: number;
  /** How good the answers about a sample are; by the suite's name by default. */
  readonly review?: Reviewer;
}

const defaultWorst = 12;

/** @example await writeFile('report.html', await reportHtml(evaluation, run.rows, { data })); */
export async function reportHtml(
  evaluation: Evaluation,
  rows: readonly Row<unknown, unknown>[],
  { data, worst = defaultWorst, review }: ReportOptions = {},
): Promise<string> {
  const { suite, counts, notes, figures, byKind, byCategory = {} } = evaluation;
  const title = evaluation.data.name === suite ? suite : `${suite} on ${evaluation.data.name}`;
  const asked = `${counts.samples} samples, ${counts.answered} of ${counts.questions} questions answered`;
  const sections = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${asked}, ${counts.failed} failed, ${counts.seconds.toFixed(1)} s of answering</p>`,
    `<p class="quiet">model ${named(evaluation.model)}<br>options ${named(evaluation.options)}</p>`,
    notes.length === 0 ? '' : `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
    figuresPart(evaluation),
    publishedPart(evaluation),
    curvesPart(suite, rows),
    // A suite without figures of its own has them by kind alone.
    kindsPart('By kind', byKind, Object.keys(figures).length === 0),
    kindsPart('By category', byCategory),
    await worstPart(suite, rows, data, worst, review),
  ];
  return pageOf(title, sections);
}

/** `name value, name value`, or "none". */
function named(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(([name, value]) => {
    return `${escapeHtml(name)} <code>${escapeHtml(typeof value === 'string' ? value : JSON.stringify(value))}</code>`;
  });
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function curvesPart(suite: string, rows: readonly Row<unknown, unknown>[]): string {
  if (suite !== 'coco' && suite !== 'lvis') return '';
  const series = precisionRecallCurves(rows as readonly DetectionRow[]).map(({ iouThreshold, points }) => ({
    name: `IoU ${iouThreshold}`,
    points,
  }));
  if (series.length === 0) return '';
  const title = 'Precision over recall, mean of the categories';
  const drawing = drawCurves(series, { title, xLabel: 'recall', yLabel: 'precision' });
  return `<h2>Curves</h2><div class="curves">${drawing}</div>`;
}
