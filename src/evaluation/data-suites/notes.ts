/** What every suite says about questions that have no answer. */

import type { Row } from '../row.ts';

const shownFaults = 3;

/** "3 questions without an answer counted as wrong: ..."; nothing when all were answered. */
export function faultNotes(rows: readonly Row<unknown, unknown>[]): string[] {
  const failed = rows.flatMap((row) => ('fault' in row ? [row] : []));
  const unanswered = failed.filter(({ truth }) => truth !== undefined);
  const unread = failed.filter(({ truth }) => truth === undefined);
  return [
    ...noteOf(unanswered, 'question', 'without an answer counted as wrong'),
    ...noteOf(unread, 'sample', 'could not be read and left out'),
  ];
}

function noteOf(rows: readonly { sample: string; fault: { message: string } }[], noun: string, what: string): string[] {
  if (rows.length === 0) return [];
  const reasons = [...new Set(rows.map(({ fault }) => fault.message))].slice(0, shownFaults);
  return [`${rows.length} ${noun}${rows.length === 1 ? '' : 's'} ${what}: ${reasons.join('; ')}`];
}
