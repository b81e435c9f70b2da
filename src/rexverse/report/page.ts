/** The report of a run as one HTML file that needs nothing else, with a picture of the flow through the stages. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import { stageNames } from '../annotation.ts';
import type { RunReport } from './summarize.ts';
import { reportTable } from './table.ts';

const [width, height] = [1100, 360];
const [top, bandHeight] = [40, 200];

export function reportPage(report: RunReport, title: string): string {
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
svg { width: 100%; height: auto; }
.kept { fill: #4c8bf5; } .left-out { fill: #e8a33d; } .failed { fill: #d6493b; } .band { fill: #4c8bf555; }
text { fill: currentColor; font-size: 13px; }
pre { overflow-x: auto; }
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${flowPicture(report)}
<pre>${escapeHtml(reportTable(report))}</pre>
</body>
</html>
`;
}

/** Each stage as a bar as high as what goes in; what leaves falls out of it below, with its reasons. */
export function flowPicture({ stages }: RunReport): string {
  const whole = Math.max(1, stages[stageNames[0]].in);
  const step = width / stageNames.length;
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
    const reasons = Object.entries({ ...filtered, ...failed })
      .sort((a, b) => b[1] - a[1])
      .slice(0, 4)
      .map(([reason, count], line) => label(x, top + bandHeight + 28 + 18 * line, `${count} ${reason}`));
    const title = `<title>${escapeHtml(`${name}: ${into} in, ${out} out, ${lost.filtered} filtered, ${lost.failed} failed`)}</title>`;
    return `<g>${title}${bar}${band}${drops.join('')}${label(x, top - 22, name)}${label(x, top - 6, `${into} in`)}${reasons.join('')}</g>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Entries through the stages">${shapes.join('\n')}</svg>`;
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
