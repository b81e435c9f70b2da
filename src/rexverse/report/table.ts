/** The report of a run as tables, and those as text. */

import { stageNames } from '../annotation.ts';
import type { RunReport } from './summarize.ts';

export type Row = readonly (string | number)[];

export interface ReportTables {
  /** What is said first: counts of entries, calls and time. */
  readonly sums: readonly string[];
  /** Each with its heading as the first row. */
  readonly tables: readonly (readonly Row[])[];
  /** What was annotated. */
  readonly found: string;
}

export function reportTables(report: RunReport): ReportTables {
  const rows = stageNames.map((name) => {
    const { in: into, out, calls, tokens, seconds, cost } = report.stages[name];
    return [
      name,
      into,
      out,
      calls,
      tokens.input + tokens.output,
      seconds.toFixed(1),
      cost === 0 ? '' : cost.toFixed(2),
    ];
  });
  const reasons = stageNames.flatMap((name) => {
    const { filtered, failed, dropped } = report.stages[name];
    const lines = (kind: string, counts: Readonly<Record<string, number>>) =>
      Object.entries(counts)
        .sort((a, b) => b[1] - a[1])
        .map(([reason, count]) => [name, kind, reason, count]);
    return [...lines('filtered', filtered), ...lines('failed', failed), ...lines('dropped', dropped)];
  });
  const { entries, done, filtered, failed, left, calls, seconds, cost } = report;
  const models = Object.entries(report.models).map(([model, one]) => [
    ...[model, one.calls, one.input, one.output, one.seconds.toFixed(1)],
    one.cost === 0 ? '' : one.cost.toFixed(2),
  ]);
  const found = Object.entries(report.yield).map(([name, count]) => `${count} ${words(name)}`);
  return {
    sums: [
      `${entries} entries: ${done} done, ${filtered} filtered, ${failed} failed, ${left} left`,
      `${calls.made} calls kept, ${calls.foundAgain} found again; ${seconds.toFixed(0)} s at work; cost ${cost.toFixed(2)}`,
    ],
    tables: [
      [['stage', 'in', 'out', 'calls', 'tokens', 'seconds', 'cost'], ...rows],
      [['stage', '', 'reason', 'count'], ...reasons],
      [['model', 'calls', 'tokens in', 'out', 'seconds', 'cost'], ...models],
    ].filter((table) => table.length > 1),
    found: `annotated: ${found.join(', ')}`,
  };
}

export function reportTable(report: RunReport): string {
  const { sums, tables, found } = reportTables(report);
  return [...sums, '', ...tables.flatMap((table) => [aligned(table), '']), found, ''].join('\n');
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Columns side by side: words to the left, numbers to the right. */
function aligned(rows: readonly Row[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value: string | number, column: number) => {
    const text = String(value);
    return /^[\d.]*$/.test(text) ? text.padStart(widths[column]) : text.padEnd(widths[column]);
  };
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
