/** Every suite, in the order of the paper's tables. */

import { detectionSuites } from './detection-suites.ts';
import { judgedSuites } from './judged-suites.ts';
import { questionSuites } from './question-suites.ts';
import { referringSuites } from './referring-suites.ts';
import { regionSuites } from './region-suites.ts';
import { repetition } from './repetition-suite.ts';
import type { ScoreSuite } from './score-suite.ts';

export const scoreSuites: readonly ScoreSuite[] = [
  ...detectionSuites,
  ...referringSuites,
  ...regionSuites,
  ...questionSuites,
  ...judgedSuites,
  repetition,
];
