/** A report of RexWorld as text in aligned columns: a block per task, a column per kind of boxes or granularity. */

import { groupBy } from '../../evaluation/metrics/group-by.ts';
import type { WorldReport, WorldResult } from './evaluate-world.ts';

const nameWidth = 20;
const columnWidth = 12;
/** Stands where nothing was there to measure. */
const nothing = '-';

/** Lines with a newline at the end. */
export function worldTable(report: WorldReport): string {
  const { count, split, seed, phrasings, seconds, scenesPerSecond, results, skipped } = report;
  const scenes = `${count} ${count === 1 ? 'scene' : 'scenes'}`;
  const speed = `${seconds.toFixed(1)} s, ${scenesPerSecond.toFixed(2)} scenes/s`;
  const lines = [`RexWorld ${split}, seed ${seed}: ${scenes}, ${phrasings} phrasings, ${speed}`];
  for (const [task, columns] of groupBy(results, (result) => result.task)) lines.push('', ...taskBlock(task, columns));
  if (skipped.length > 0) lines.push('');
  for (const [reason, measures] of groupBy(skipped, (measure) => measure.reason)) {
    const names = measures.map(({ task, variant }) => `${task} (${variant})`);
    lines.push(`skipped: ${names.join(', ')}: ${reason}`);
  }
  return `${lines.join('\n')}\n`;
}

function taskBlock(task: string, columns: readonly WorldResult[]): string[] {
  const names = [...new Set(columns.flatMap(({ figures }) => Object.keys(figures)))];
  const row = (name: string, cells: readonly string[]) =>
    (name.padEnd(nameWidth) + cells.map((cell) => cell.padStart(columnWidth)).join('')).trimEnd();
  return [
    row(
      task,
      columns.map(({ variant }) => variant),
    ),
    ...names.map((name) =>
      row(
        `  ${name}`,
        columns.map(({ figures }) => figures[name]?.toFixed(3) ?? nothing),
      ),
    ),
    row(
      task === 'upn' ? '  scenes' : '  answers',
      columns.map(({ count }) => String(count)),
    ),
    row(
      '  seconds',
      columns.map(({ seconds }) => seconds.toFixed(1)),
    ),
  ];
}
