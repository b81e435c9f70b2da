/** How the rows of each suite on data sets are scored, by its name: for runs whose rows are all that is left. */

import { scoreDetections, scoreLvisDetections } from './data-suites/coco.ts';
import { scoreCounts } from './data-suites/counting.ts';
import { scoreHumanrefRows } from './data-suites/humanref.ts';
import { proposalsSuite } from './data-suites/proposals.ts';
import { scorePhrases } from './data-suites/referring.ts';
import { scoreRegionRows } from './data-suites/regions.ts';
import type { Row } from './row.ts';
import type { SuiteFigures } from './suite.ts';

/** Rows of any suite: each scorer knows the truths and answers of its own. */
export type Scorer = (rows: readonly Row<never, never>[]) => SuiteFigures | Promise<SuiteFigures>;

/** How rows are scored when samples are drawn with replacement. */
export interface RowScorer {
  readonly score: Scorer;
  /** What is drawn together; each sample by itself where it is missing. */
  unitOf?(row: Row<never, never>): string;
  /** A row of the `place`-th unit that was drawn, as if it were another sample. */
  copyOf?(row: Row<never, never>, place: number): Row<never, never>;
}

export const scorers: Readonly<Record<string, Scorer>> = {
  proposals: proposalsSuite().score,
  coco: scoreDetections,
  lvis: (rows) => scoreLvisDetections(rows),
  regions: (rows) => scoreRegionRows(rows),
  counting: scoreCounts,
  referring: scorePhrases,
  refcoco: scorePhrases,
  humanref: scoreHumanrefRows,
};
