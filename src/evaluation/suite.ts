/**
 * What a measure is: questions about the samples of a data set, each answered by a subject (a model, an endpoint) and
 * kept as a row, and figures that are computed from rows alone.
 *
 * A question is the unit, not a sample: a run that is killed in the middle of a sample asks only what is left of it.
 */

import type { AnsweredRow, Row } from './row.ts';
import type { SampleView } from './sample-view.ts';
import type { SuiteScore } from './suites/suite-score.ts';

/** What a suite cannot do without. */
export type Need = 'images' | 'boxes' | 'categories' | 'phrases';

/** One question about one sample. Truth and answer are plain JSON: they become a line of a file. */
export interface Question<Subject, Truth, Answer> {
  /** Tells the question from the others of its sample; the same in every run. */
  readonly key: string;
  readonly truth: Truth;
  /** What several questions of the sample share, as looking at its image: it is not part of a question's time. */
  prepare?(subject: Subject): Promise<unknown>;
  /**
   * Asks the subject.
   * @throws ChatRexError for what is wrong with this question or its image: it becomes a row with a fault
   */
  ask(subject: Subject, signal?: AbortSignal): Promise<Answer>;
}

export interface Suite<Subject, Truth, Answer> {
  readonly name: string;
  readonly needs: readonly Need[];
  /** The questions about a sample, the same in every run; none where the sample has nothing to ask about. */
  questions(view: SampleView): Promise<readonly Question<Subject, Truth, Answer>[]>;
  /** Figures of rows in the order of the data. A row with a fault is a question without an answer: wrong. */
  score(rows: readonly Row<Truth, Answer>[]): SuiteFigures | Promise<SuiteFigures>;
}

/** What rows amount to. */
export type SuiteFigures = Omit<SuiteScore, 'suite' | 'counts'>;

/** Rows that were answered. */
export function answered<Truth, Answer>(rows: readonly Row<Truth, Answer>[]): AnsweredRow<Truth, Answer>[] {
  return rows.filter((row): row is AnsweredRow<Truth, Answer> => 'answer' in row);
}
