/** Every suite, in the order of the paper's tables. */

import { ChatRexError } from '../../errors.ts';
import { detectionSuites } from './detection-suites.ts';
import { judgedSuites } from './judged-suites.ts';
import { questionSuites } from './question-suites.ts';
import { referringSuites } from './referring-suites.ts';
import { regionSuites } from './region-suites.ts';
import { repetition } from './repetition-suite.ts';
import type { RecordSuite, ScoreSuite } from './score-suite.ts';

export const scoreSuites: readonly ScoreSuite[] = [
  ...detectionSuites,
  ...referringSuites,
  ...regionSuites,
  ...questionSuites,
  ...judgedSuites,
  repetition,
];

/** A suite whose records can be scored without files. @throws ChatRexError 'invalid-argument' for any other */
export function recordSuiteNamed(name: string): RecordSuite {
  const suite = scoreSuites.find((one) => one.name === name);
  if (suite !== undefined && 'score' in suite) return suite as RecordSuite;
  throw new ChatRexError('invalid-argument', `${name}: expected a suite that is scored from records`);
}
