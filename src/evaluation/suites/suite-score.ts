/**
 * What every suite gives back: figures under fixed names, how they were reached, and what was wrong with the answers.
 */

/** A figure; null when nothing was asked that it could be taken from, or when it needs what was not given. */
export type Figures = Readonly<Record<string, number | null>>;

/** How many answers there were, and which could not be used as they came. */
export interface AnswerCounts {
  /** Samples of the truth. */
  readonly samples: number;
  readonly answered: number;
  /** Samples without an answer; each counts as wrong. */
  readonly missing: number;
  /** Answers to a sample that was answered before; the first one counts. */
  readonly repeated: number;
  /** Answers to samples that the truth does not have; they do not count. */
  readonly unknown: number;
}

export interface SuiteScore {
  readonly suite: string;
  /** Shares are 0..1 and not rounded, except where the suite's own scale is another (`mm-vet`, `llava-wild`). */
  readonly figures: Figures;
  /** The same by kind of question, by split or by category, as the suite reports them. */
  readonly byKind: Readonly<Record<string, Figures>>;
  /** Of detection, by the name of the category; too many for a table. */
  readonly byCategory?: Readonly<Record<string, Figures>>;
  /** Which variant of a rule was used, by the name of the rule. */
  readonly variant: Readonly<Record<string, string>>;
  readonly counts: AnswerCounts;
  /** One line each: what a reader of the figures must know. */
  readonly notes: readonly string[];
}

/** The mean, or null of nothing. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The share of true ones, or null of nothing. */
export const shareOf = (values: readonly boolean[]): number | null => meanOf(values.map(Number));

/** `count` and its noun: "1 answer", "2 answers". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
