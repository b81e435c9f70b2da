/** One question, what is true of it, and what was answered: a line of `rows.jsonl`. */

/** Why a question has no answer. */
export interface Fault {
  /** An `ErrorCode`. */
  readonly code: string;
  readonly message: string;
}

export interface RowKey {
  /** Id of the sample. */
  readonly sample: string;
  /** Its place in the data set. */
  readonly index: number;
  /** Key of the question; '' for a sample that could not be read. */
  readonly question: string;
  /** Place of the question among those of its sample: rows are scored in this order, in whichever they came. */
  readonly place: number;
  /** What the answer took. */
  readonly seconds: number;
}

export interface AnsweredRow<Truth, Answer> extends RowKey {
  readonly truth: Truth;
  readonly answer: Answer;
}

/** A question without an answer; without a truth the sample itself could not be read. */
export interface FaultyRow<Truth> extends RowKey {
  readonly truth?: Truth;
  readonly fault: Fault;
}

export type Row<Truth, Answer> = AnsweredRow<Truth, Answer> | FaultyRow<Truth>;

/** The name that a question has in a whole run. */
export const rowName = ({ sample, question }: Pick<RowKey, 'sample' | 'question'>): string =>
  JSON.stringify([sample, question]);

/**
 * One row per question, in the order of the data: an answer replaces a fault, a later fault an earlier one. A sample
 * that could not be read and later could leaves no trace.
 */
export function latestRows<Truth, Answer>(rows: readonly Row<Truth, Answer>[]): Row<Truth, Answer>[] {
  const latest = new Map<string, Row<Truth, Answer>>();
  const readable = new Set<number>();
  for (const row of rows) {
    const name = rowName(row);
    const known = latest.get(name);
    if (known === undefined || 'fault' in known) latest.set(name, row);
    if (row.question !== '') readable.add(row.index);
  }
  return [...latest.values()]
    .filter(({ question, index }) => question !== '' || !readable.has(index))
    .sort((a, b) => a.index - b.index || a.place - b.place);
}
