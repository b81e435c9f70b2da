/**
 * How many there are of each category that an image has (paper section 5.5). The number that the answer states counts
 * or, where it states none, how many boxes it shows.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { statedNumber } from '../../chatrex/stated-number.ts';
import type { Sample } from '../../datasets/sample.ts';
import { share } from '../figures.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { Row } from '../row.ts';
import type { Counts, FoundBoxes } from '../subject.ts';
import type { Question, Suite, SuiteFigures } from '../suite.ts';
import { type Figures, meanOf } from '../suites/suite-score.ts';
import { faultNotes } from './notes.ts';

export interface CountTruth {
  readonly name: string;
  readonly count: number;
  /** Where they are, for the report; missing in rows of earlier runs. */
  readonly boxesXyxy?: readonly BoxXyxy[];
}

export type CountRow = Row<CountTruth, FoundBoxes>;

/**
 * Asks how many there are of each category of a sample's regions.
 * @example await evaluate({ suite: countingSuite(), data, open: async () => new ModelSubject({ chatrex }), model });
 */
export function countingSuite(): Suite<Counts, CountTruth, FoundBoxes> {
  return {
    name: 'counting',
    needs: ['images', 'boxes', 'categories'],
    questions: async (view) => {
      if (view.sample.image === undefined) return [];
      return countable(view.sample).map(
        ([name, boxesXyxy]): Question<Counts, CountTruth, FoundBoxes> => ({
          key: name,
          truth: { name, count: boxesXyxy.length, boxesXyxy },
          ask: (subject, signal) => subject.count(view, name, signal),
        }),
      );
    },
    score: scoreCounts,
  };
}

/** Categories whose number is known: those of which no more may be there, and of which nothing is a crowd. */
function countable({ regions, coverage }: Sample): [name: string, boxesXyxy: BoxXyxy[]][] {
  const groups = groupBy(
    regions.filter(({ category }) => category !== undefined),
    ({ category }) => category!,
  );
  const isUnsure = (name: string) => coverage.partialCategories?.includes(name) ?? false;
  return [...groups].flatMap(([name, own]): [string, BoxXyxy[]][] => {
    if (isUnsure(name) || own.some(({ isIgnored }) => isIgnored)) return [];
    return [[name, own.map(({ boxXyxy }) => boxXyxy)]];
  });
}

/**
 * `offByOne` includes the exact answers. An answer without a number or a box counts as 0 in the mean error, and is
 * wrong.
 */
export function scoreCounts(rows: readonly CountRow[]): SuiteFigures {
  const judged = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    const said = 'answer' in row ? countIn(row.answer) : undefined;
    return [{ count: row.truth.count, isStated: said !== undefined, error: Math.abs((said ?? 0) - row.truth.count) }];
  });
  const figuresOf = (own: typeof judged): Figures => ({
    exact: share(own, ({ isStated, error }) => isStated && error === 0),
    offByOne: share(own, ({ isStated, error }) => isStated && error <= 1),
    meanAbsoluteError: meanOf(own.map(({ error }) => error)),
  });
  const byCount = [...groupBy(judged, ({ count }) => count)].sort(([a], [b]) => a - b);
  const without = judged.filter(({ isStated }) => !isStated).length;
  return {
    figures: figuresOf(judged),
    byKind: Object.fromEntries(byCount.map(([count, own]) => [`${count} there`, figuresOf(own)])),
    variant: { rule: 'the number that the answer states, else the number of boxes that it shows' },
    notes: [...faultNotes(rows), ...(without > 0 ? [`${without} answers state no number and show no box`] : [])],
  };
}

/** Undefined for an answer with neither a number nor a box: it is no count of zero. */
export function countIn({ text, boxes }: Pick<FoundBoxes, 'text' | 'boxes'>): number | undefined {
  const shown = new Set(boxes.map(({ boxXyxy }) => boxXyxy.join(' '))).size;
  return statedNumber(text) ?? (shown > 0 ? shown : undefined);
}
