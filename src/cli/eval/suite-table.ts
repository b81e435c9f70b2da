/** The figures of a suite as text in aligned columns. */

import type { Evaluation } from '../../evaluation/evaluate.ts';
import type { Figures } from '../../evaluation/suites/suite-score.ts';

/** Kinds beyond these are in the JSON. */
const maxKinds = 30;
const missing = '-';

/** Lines with a newline at the end. */
export function suiteTable({ suite, data, counts, figures, byKind, variant, notes }: Evaluation): string {
  const { samples, questions, answered, failed, seconds } = counts;
  const asked = `${samples} samples, ${answered} of ${questions} questions answered`;
  const lines = [
    `${suite} on ${data.name}: ${asked}${failed > 0 ? `, ${failed} failed` : ''}, ${seconds.toFixed(1)} s`,
  ];
  const width = Math.max(12, ...Object.keys(figures).map((name) => name.length)) + 2;
  lines.push('', ...Object.entries(figures).map(([name, value]) => `  ${name.padEnd(width)}${shown(value)}`));
  if (Object.keys(byKind).length > 1) lines.push('', ...kindTable(byKind));
  if (Object.keys(variant).length > 0) lines.push('');
  for (const [name, text] of Object.entries(variant)) lines.push(`${name}: ${text}`);
  if (notes.length > 0) lines.push('');
  for (const text of notes) lines.push(`note: ${text}`);
  return `${lines.join('\n')}\n`;
}

function kindTable(byKind: Readonly<Record<string, Figures>>): string[] {
  const kinds = Object.keys(byKind);
  const names = [...new Set(kinds.flatMap((kind) => Object.keys(byKind[kind])))];
  const shownKinds = kinds.slice(0, maxKinds);
  const kindWidth = Math.min(30, Math.max(...shownKinds.map((kind) => kind.length))) + 2;
  const widths = names.map((name) => Math.max(name.length, 7) + 2);
  const row = (kind: string, cells: readonly string[]) =>
    `  ${kind.slice(0, kindWidth - 2).padEnd(kindWidth)}${cells.map((cell, i) => cell.padStart(widths[i])).join('')}`;
  return [
    row('', names),
    ...shownKinds.map((kind) =>
      row(
        kind,
        names.map((name) => shown(byKind[kind][name] ?? null)),
      ),
    ),
    ...(kinds.length > maxKinds ? [`  and ${kinds.length - maxKinds} more; --json lists all`] : []),
  ];
}

const shown = (value: number | null): string => (value === null ? missing : value.toFixed(4));
