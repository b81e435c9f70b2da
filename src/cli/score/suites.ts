/** Every suite, in the order of the paper's tables. */

import { questionSuites } from './question-suites.ts';
import { referringSuites } from './referring-suites.ts';
import type { ScoreSuite } from './score-suite.ts';

export const scoreSuites: readonly ScoreSuite[] = [...referringSuites, ...questionSuites];
