/** What `chatrex score` knows of a suite. */

import type { Option } from 'commander';
import type { SuiteScore } from '../../evaluation/suites/suite-score.ts';

export interface ScoreFiles {
  answers: string[];
  truth?: string[];
}

/** A suite that needs a judge and has none gives a reason, never a number. */
export interface NotScored {
  readonly notScored: string;
}

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
  run(options: ScoreFiles & Readonly<Record<string, unknown>>): Promise<SuiteScore | NotScored>;
}

export const isNotScored = (score: SuiteScore | NotScored): score is NotScored => 'notScored' in score;
