/** The report of a run as one HTML file that needs nothing else, with a picture of the flow through the stages. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import { stageNames } from '../annotation.ts';
import type { RunReport } from './summarize.ts';
import { type Row, reportTables } from './table.ts';

const width = 1100;
const [top, bandHeight] = [40, 180];
/** Height of a line of reasons below the bands, and how many there are at most. */
const [lineHeight, mostReasons] = [18, 4];

export function reportPage(report: RunReport, title: string): string {
  const { sums, tables, found } = reportTables(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } svg { display: block; width: 100%; min-width: 46rem; height: auto; }
.key span { white-space: nowrap; margin-right: 1rem; font-size: .85rem; } .key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; border-radius: .15rem; }
i.kept { background: #4c8bf5; } i.left-out { background: #e8a33d; } i.failed { background: #d6493b; }
table { border-collapse: collapse; margin: 1.2rem 0; font-size: .9rem; } th { font-weight: 600; text-align: left; }
td, th { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8883; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.kept { fill: #4c8bf5; } .left-out { fill: #e8a33d; } .failed { fill: #d6493b; } .band { fill: #4c8bf555; }
text { fill: currentColor; font-size: 13px; }
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${sums.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')}
<div class="wide">${flowPicture(report)}</div>
<p class="key"><span><i class="kept"></i>entries</span><span><i class="left-out"></i>filtered</span><span><i class="failed"></i>failed</span></p>
${tables.map((table) => `<div class="wide">${tableHtml(table)}</div>`).join('\n')}
<p>${escapeHtml(found)}</p>
</body>
</html>
`;
}

/** Columns of numbers to the right. */
function tableHtml([heading, ...rows]: readonly Row[]): string {
  const isNumber = heading.map((_, column) => rows.every((row) => /^[\d.]*$/.test(String(row[column]))));
  const cells = (tag: string, row: Row) =>
    row
      .map((cell, at) => `<${tag}${isNumber[at] ? ' class="number"' : ''}>${escapeHtml(String(cell))}</${tag}>`)
      .join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<table><thead><tr>${cells('th', heading)}</tr></thead>\n<tbody>${body}</tbody></table>`;
}

/** Each stage as a bar as high as what goes in; what leaves falls out of it below, with its reasons. */
export function flowPicture({ stages }: RunReport): string {
  const whole = Math.max(1, stages[stageNames[0]].in);
  const step = width / stageNames.length;
  const most = Math.max(0, ...stageNames.map((name) => reasonsOf(stages[name]).length));
  const height = top + bandHeight + 12 + lineHeight * Math.min(most, mostReasons);
  const shapes = stageNames.map((name, at) => {
    const { in: into, out, filtered, failed } = stages[name];
    const scale = (count: number) => (bandHeight * count) / whole;
    const x = at * step;
    const lost = { filtered: sum(filtered), failed: sum(failed) };
    const bar = `<rect class="kept" x="${x}" y="${top}" width="14" height="${round(scale(into))}"/>`;
    const band = `<rect class="band" x="${x + 14}" y="${top}" width="${round(step - 14)}" height="${round(scale(out))}"/>`;
    const lostAt = top + scale(out);
    const drops = [
      `<rect class="left-out" x="${x + 14}" y="${round(lostAt)}" width="34" height="${round(scale(lost.filtered))}"/>`,
      `<rect class="failed" x="${x + 14}" y="${round(lostAt + scale(lost.filtered))}" width="34" height="${round(scale(lost.failed))}"/>`,
    ];
    const reasons = reasonsOf(stages[name])
      .slice(0, mostReasons)
      .map(([reason, count], line) => label(x, top + bandHeight + 20 + lineHeight * line, `${count} ${reason}`));
    const title = `<title>${escapeHtml(`${name}: ${into} in, ${out} out, ${lost.filtered} filtered, ${lost.failed} failed`)}</title>`;
    return `<g>${title}${bar}${band}${drops.join('')}${label(x, top - 22, name)}${label(x, top - 6, `${into} in`)}${reasons.join('')}</g>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Entries through the stages">${shapes.join('\n')}</svg>`;
}

function reasonsOf({ filtered, failed }: RunReport['stages']['collect']): [reason: string, count: number][] {
  return Object.entries({ ...filtered, ...failed }).sort((a, b) => b[1] - a[1]);
}

function label(x: number, y: number, text: string): string {
  return `<text x="${round(x)}" y="${round(y)}">${escapeHtml(text)}</text>`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
