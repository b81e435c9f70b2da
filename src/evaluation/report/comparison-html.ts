/** Two runs as one page that needs no other file: figures, categories, and the samples about which they differ. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import type { ComparedFigure, ComparedGroups, ComparedPart, Comparison } from '../compare.ts';
import type { RunPair } from '../run-pair.ts';
import type { RunRecord } from '../run-record.ts';
import { type ChangedOptions, changedPart } from './changed-samples.ts';
import { pageOf } from './report-page.ts';
import { breakable, isShare, nothing, shown } from './report-tables.ts';

/** Beyond these the page gets too long. */
const maxGroups = 100;

export interface ComparisonPageOptions extends ChangedOptions {
  /** How the two runs are called; first and second by default. */
  readonly names?: readonly [first: string, second: string];
}

/**
 * @example const pair = await readRunPair('runs/a', 'runs/b');
 *   const comparison = await comparePair(pair, [scorer, scorer]);
 *   await writeFile('compare.html', await comparisonHtml(comparison, pair, { data }));
 */
export async function comparisonHtml(
  comparison: Comparison,
  pair: RunPair,
  { names = ['first', 'second'], ...options }: ComparisonPageOptions = {},
): Promise<string> {
  const { suite, first, second, samples, leftOut, byKind, byCategory } = comparison;
  const title = `${suite} on ${first.data.name}: two runs`;
  const left = leftOut === 0 ? '' : `; ${leftOut} of one alone left out`;
  const sections = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${samples} samples that both runs answered${left}.</p>`,
    runsPart(names, first, second),
    figuresPart(comparison),
    groupsPart('By kind', byKind),
    groupsPart('By category', byCategory),
    await changedPart(pair, options),
  ];
  return pageOf(title, sections);
}

/** Who ran, and in what the two differ. */
function runsPart(names: readonly [string, string], first: RunRecord, second: RunRecord): string {
  const of = (run: RunRecord): Record<string, unknown> => ({ ...run.model, ...run.options, ...run.scoring });
  const [a, b] = [of(first), of(second)];
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const cell = (value: unknown) =>
    value === undefined ? nothing : escapeHtml(typeof value === 'string' ? value : JSON.stringify(value));
  const rows = fields.map((field) => {
    const isSame = JSON.stringify(a[field]) === JSON.stringify(b[field]);
    return `<tr${isSame ? '' : ' class="own"'}><td>${escapeHtml(field)}</td><td class="value">${cell(a[field])}</td><td class="value">${cell(b[field])}</td></tr>`;
  });
  const heads = names.map((name, i) => `<th class="text">${i === 0 ? 'first' : 'second'}: ${escapeHtml(name)}</th>`);
  return `<div class="scroll"><table><tr><th></th>${heads.join('')}</tr>${rows.join('')}</table></div>`;
}

function figuresPart({ figures, resamples }: Comparison): string {
  if (figures.length === 0) return '<h2>Figures</h2><p>Nothing was measured in both runs.</p>';
  const rows = figures.map((figure) => {
    const { name, first, second, difference, interval, isMeaningful } = figure;
    const isOfShares = isShare(name, first) && isShare(name, second);
    const verdict = isMeaningful
      ? difference > 0
        ? 'second is higher'
        : 'first is higher'
      : 'no difference to speak of';
    return [
      `<tr${isMeaningful ? ' class="own"' : ''}><td>${breakable(name)}</td>`,
      `<td>${shown(name, first)}</td><td>${shown(name, second)}</td><td>${signed(difference, isOfShares)}</td>`,
      `<td>${signed(interval[0], isOfShares)} to ${signed(interval[1], isOfShares)}</td>`,
      `<td class="whisker">${whisker(figure, isOfShares ? reach(figures) : reach([figure]))}</td>`,
      `<td class="text">${verdict}</td></tr>`,
    ].join('');
  });
  return [
    '<h2>Figures</h2><div class="scroll"><table>',
    '<tr><th></th><th>first</th><th>second</th><th>change</th><th>95 % of draws</th><th></th><th></th></tr>',
    ...rows,
    '</table></div>',
    `<p class="quiet">Shares in percent. Samples were drawn ${resamples} times with replacement, the same ones for both`,
    'runs; the bar holds 95 % of the changes, the dot is the change on all samples. Where the bar meets the middle line, the',
    'difference means nothing.</p>',
  ].join('\n');
}

/** The largest change that a bar of the table has to show. */
function reach(figures: readonly ComparedFigure[]): number {
  const shares =
    figures.length === 1
      ? figures
      : figures.filter(({ name, first, second }) => isShare(name, first) && isShare(name, second));
  return Math.max(1e-9, ...shares.flatMap(({ interval, difference }) => [...interval, difference].map(Math.abs)));
}

const whiskerWidth = 160;
const whiskerHeight = 16;

/** A bar from the low end of the interval to the high one, around a line where nothing changes. */
function whisker({ difference, interval: [low, high], isMeaningful }: ComparedFigure, most: number): string {
  const middle = whiskerWidth / 2;
  const at = (value: number) => (middle + (value / most) * (middle - 6)).toFixed(1);
  const [left, right] = [Number(at(low)), Number(at(high))];
  const width = Math.max(1, right - left).toFixed(1);
  return [
    `<svg viewBox="0 0 ${whiskerWidth} ${whiskerHeight}" role="img" aria-label="${isMeaningful ? 'apart from' : 'around'} no change">`,
    `<line x1="${middle}" x2="${middle}" y1="0" y2="${whiskerHeight}"/>`,
    `<rect x="${left}" y="5" width="${width}" height="6" rx="2"/>`,
    `<circle cx="${at(difference)}" cy="8" r="4"/></svg>`,
  ].join('');
}

/** Figures of both runs by kind or category, what changed most first; folded. */
function groupsPart(title: string, groups: ComparedGroups): string {
  const entries = Object.entries(groups);
  if (entries.length === 0) return '';
  const names = [...new Set(entries.flatMap(([, figures]) => Object.keys(figures)))];
  const [leading] = names;
  const changeOf = (figures: ComparedGroups[string]) => Math.abs(figures[leading]?.difference ?? 0);
  const changed = entries.filter(([, figures]) => Object.values(figures).some(isChanged));
  const sorted = changed.sort(([, a], [, b]) => changeOf(b) - changeOf(a));
  const rows = sorted.slice(0, maxGroups).map(([group, figures]) => {
    return `<tr><td>${escapeHtml(group)}</td>${names.map((name) => partCells(name, figures[name])).join('')}</tr>`;
  });
  const heads = names.map((name) => `<th colspan="3" class="group">${breakable(name)}</th>`).join('');
  const [more, same] = [changed.length - rows.length, entries.length - changed.length];
  const left = [
    ...(more > 0 ? [`${more} more with smaller changes`] : []),
    ...(same > 0 ? [`${same} as before`] : []),
  ].join(', ');
  if (rows.length === 0) return `<h2>${title}</h2><p>All ${entries.length} are equal in both runs.</p>`;
  return [
    `<details open><summary>${title}, by the change of ${escapeHtml(leading)}</summary>`,
    `<div class="scroll"><table class="groups"><tr><th></th>${heads}</tr>`,
    `<tr><th></th>${names.map(() => '<th>first</th><th>second</th><th>change</th>').join('')}</tr>`,
    ...rows,
    '</table></div>',
    left === '' ? '' : `<p class="quiet">Not shown: ${left}.</p>`,
    '</details>',
  ].join('\n');
}

function partCells(name: string, part: ComparedPart | undefined): string {
  const { first = null, second = null, difference = null } = part ?? {};
  const isOfShares = isShare(name, first) && isShare(name, second);
  const change = difference === null ? nothing : signed(difference, isOfShares);
  return `<td>${shown(name, first)}</td><td>${shown(name, second)}</td><td class="${directionOf(name, difference)}">${change}</td>`;
}

/** Figures are sums in another order: what differs by less is rounding. */
const leastChange = 1e-9;

const isChanged = ({ first, second, difference }: ComparedPart): boolean =>
  difference === null ? first !== second : Math.abs(difference) > leastChange;

/** Whether the second run is better; of an error less is better. */
function directionOf(name: string, difference: number | null): 'better' | 'worse' | '' {
  if (difference === null || Math.abs(difference) <= leastChange) return '';
  return difference > 0 === !/error/i.test(name) ? 'better' : 'worse';
}

/** In percent points where both are shares. */
function signed(value: number, isOfShares: boolean): string {
  const text = isOfShares ? (100 * value).toFixed(1) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  return Number(text) === 0 ? text.replace('-', '') : value > 0 ? `+${text}` : text.replace('-', '−');
}
