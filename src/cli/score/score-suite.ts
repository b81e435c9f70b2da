/** What `chatrex score` knows of a suite. */

import type { Option } from 'commander';
import { type RawRecord, type RecordFile, readAllRecords } from '../../evaluation/suites/record-files.ts';
import type { SuiteScore } from '../../evaluation/suites/suite-score.ts';

export interface ScoreFiles {
  answers: string[];
  truth?: string[];
}

/** A suite that needs a judge and has none gives a reason, never a number. */
export interface NotScored {
  readonly notScored: string;
}

/** A score, and for suites with a judge what it said: records that the suite scores again without one. */
export type Scored = SuiteScore & { readonly graded?: readonly RawRecord[] };

export type ScoreOptions = ScoreFiles & Readonly<Record<string, unknown>>;

export interface ScoreSuite {
  readonly name: string;
  readonly description: string;
  /** What the files of answers hold. */
  readonly answers: string;
  /** What the files of the truth hold; missing where answers hold all there is. */
  readonly truth?: string;
  readonly isTruthOptional?: boolean;
  readonly options?: readonly Option[];
  readonly examples?: readonly string[];
  run(options: ScoreOptions): Promise<Scored | NotScored>;
}

/** What the files hold; `truth` is empty where none was given. */
export interface ScoredRecords {
  readonly answers: readonly RecordFile[];
  readonly truth: readonly RecordFile[];
}

/** A suite whose files are read whole, so that records that never were in a file can be scored too. */
export interface RecordSuite extends ScoreSuite {
  score(records: ScoredRecords, options: ScoreOptions): Promise<Scored | NotScored>;
}

export function recordSuite(suite: Omit<RecordSuite, 'run'>): RecordSuite {
  return {
    ...suite,
    run: async (options) => {
      const truth = await readAllRecords(options.truth ?? []);
      return suite.score({ answers: await readAllRecords(options.answers), truth }, options);
    },
  };
}

export const isNotScored = (score: SuiteScore | NotScored): score is NotScored => 'notScored' in score;
