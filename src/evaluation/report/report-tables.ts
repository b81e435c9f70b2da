/** The figures of a run as parts of its page: alone, beside printed ones, by kind. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Figures } from '../suites/suite-score.ts';
import { publishedRows } from './published.ts';

const maxCategories = 100;
/** Where there is no figure. */
export const nothing = '–';

/** Errors, and figures on a scale of their own, are no shares. */
export const isShare = (name: string, value: number | null): boolean =>
  value !== null && !/error|deviation/i.test(name) && value >= 0 && value <= 1;

/** Shares in percent, others as they are. */
export function shown(name: string, value: number | null | undefined): string {
  // COCO's -1: nothing to find.
  if (value === null || value === undefined || value === -1) return nothing;
  return isShare(name, value) ? (100 * value).toFixed(1) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

const cells = (names: readonly string[], figures: Figures): string =>
  names.map((name) => `<td>${shown(name, figures[name])}</td>`).join('');

/** Long names may break before a capital. */
export const breakable = (name: string): string => escapeHtml(name).replace(/([a-z\d])([A-Z])/g, '$1<wbr>$2');

const headings = (names: readonly string[]): string => names.map((name) => `<th>${breakable(name)}</th>`).join('');

/** All figures of the run, and by which rules they came about. */
export function figuresPart({ figures, variant }: Evaluation): string {
  const tiles = Object.entries(figures).map(
    ([name, value]) => `<div><dt>${breakable(name)}</dt><dd>${shown(name, value)}</dd></div>`,
  );
  const rules = Object.entries(variant).map(
    ([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`,
  );
  return [
    tiles.length === 0 ? '' : `<h2>Figures</h2><dl class="figures">${tiles.join('')}</dl>`,
    rules.length === 0 ? '' : `<dl class="rules">${rules.join('')}</dl>`,
  ].join('\n');
}

/** The run’s row above those of others, with the figures that others print. */
export function publishedPart({ suite, figures, byKind, data }: Evaluation): string {
  const others = publishedRows(suite);
  const names = [...new Set(others.flatMap((other) => Object.keys(other.figures)))];
  if (names.length === 0) return '';
  const row = (of: string, name: string, own: Figures, source: string) =>
    `<tr${of}><td>${escapeHtml(name)}</td>${cells(names, own)}<td class="source">${escapeHtml(source)}</td></tr>`;
  const asPublished = publishedNames(byKind['as published (Rex-Omni)']);
  return [
    '<h2>Beside others</h2><div class="scroll"><table>',
    `<tr><th></th>${headings(names)}<th class="text">data, source</th></tr>`,
    row(' class="own"', 'this run', figures, data.name),
    ...(asPublished ? [row(' class="own"', 'this run by Rex-Omni’s program', asPublished, data.name)] : []),
    ...others.map((other) => row('', other.name, other.figures, `${other.data}; ${other.source}`)),
    '</table></div>',
    '<p class="quiet">Shares in percent. Figures compare only on the same images, under the same rule.</p>',
  ].join('\n');
}

/** The figures that the authors' program prints, under the names of the columns that they belong in. */
function publishedNames(figures: Figures | undefined): Figures | undefined {
  if (figures === undefined) return undefined;
  const { precision50 = null, recall50 = null, f1MeanIou = null } = figures;
  return { precision50WithoutZeros: precision50, recall50WithoutZeros: recall50, f1MeanIouWithoutZeros: f1MeanIou };
}

/** Figures by kind or category, folded. */
export function kindsPart(title: string, groups: NonNullable<Evaluation['byCategory']>, isOpen = false): string {
  const entries = Object.entries(groups);
  if (entries.length === 0) return '';
  const names = [...new Set(entries.flatMap(([, figures]) => Object.keys(figures)))];
  const rows = entries.slice(0, maxCategories);
  return [
    `<details${isOpen ? ' open' : ''}><summary>${title}: ${entries.length}</summary><div class="scroll"><table>`,
    `<tr><th></th>${headings(names)}</tr>`,
    ...rows.map(([kind, figures]) => `<tr><td>${escapeHtml(kind)}</td>${cells(names, figures)}</tr>`),
    '</table></div>',
    entries.length > rows.length ? `<p>and ${entries.length - rows.length} more in figures.json</p>` : '',
    '</details>',
  ].join('\n');
}
