/**
 * The figures of a suite as a table for people: shares in percent, the variant of each rule, and what must be known.
 */

import type { Figures, SuiteScore } from '../evaluation/suites/suite-score.ts';

/** Figures that are no shares and are shown as they are. */
const isNoShare =
  /^(meanAbsoluteError|ratio|first|second|score|deviation|answers|.*Count|longestRun|commonStepX|commonStepY)$/;

/** Columns of one block; more would not fit a terminal. */
const columnsPerBlock = 8;

export function scoreTable({ suite, figures, byKind, byCategory, variant, counts, notes }: SuiteScore): string {
  const lines = [`${suite}: ${counts.answered} of ${counts.samples} samples answered`];
  for (const [rule, text] of Object.entries(variant)) lines.push(`  ${rule}: ${text}`);
  for (const note of notes) lines.push(`  note: ${note}`);
  lines.push('');
  const rows: [string, Figures][] = [['all', figures], ...Object.entries(byKind)];
  const names = Object.keys(figures);
  for (let from = 0; from < names.length; from += columnsPerBlock) {
    lines.push(...block(names.slice(from, from + columnsPerBlock), rows), '');
  }
  lines.push(
    byCategory ? 'Shares are in percent. --json has the figures of each category.' : 'Shares are in percent.',
    '',
  );
  return lines.join('\n');
}

function block(names: readonly string[], rows: readonly (readonly [string, Figures])[]): string[] {
  const own = rows.filter(([kind, figures]) => kind === 'all' || names.some((name) => figures[name] !== undefined));
  const cells = own.map(([kind, figures]) => [kind, ...names.map((name) => cell(name, figures[name]))]);
  const table = [['', ...names], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

function cell(name: string, value: number | null | undefined): string {
  if (value === undefined) return '';
  if (value === null || value === -1) return '-';
  if (isNoShare.test(name)) return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return (100 * value).toFixed(2);
}
