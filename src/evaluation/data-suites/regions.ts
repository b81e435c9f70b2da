/**
 * The category of given boxes, in free words (paper section 5.3, table 5, after Osprey). All boxes of an image are shown, up
 * to 100 at a time, and each is asked for by itself.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import { createRandom } from '../../random.ts';
import { share } from '../figures.ts';
import { groupBy } from '../metrics/group-by.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import type { Row } from '../row.ts';
import type { NamesRegions } from '../subject.ts';
import { answered, type Question, type Suite, type SuiteFigures } from '../suite.ts';
import { type Figures, meanOf } from '../suites/suite-score.ts';
import { faultNotes } from './notes.ts';

export interface RegionTruth {
  readonly category: string;
  readonly boxXyxy: BoxXyxy;
}

export interface RegionsSuiteOptions {
  /** Regions of an image that are asked for, drawn by the sample's id; all by default. */
  readonly perImage?: number;
}

export type RegionRow = Row<RegionTruth, string>;

export function regionsSuite({ perImage }: RegionsSuiteOptions = {}): Suite<NamesRegions, RegionTruth, string> {
  return {
    name: 'regions',
    needs: ['images', 'boxes', 'categories'],
    questions: async (view) => {
      const { id, regions, image } = view.sample;
      if (image === undefined) return [];
      const named = [...regions.keys()].filter((i) => regions[i].category !== undefined && !regions[i].isIgnored);
      // A place in the list must say nothing about what is there.
      const shuffled = createRandom(`evaluation/regions/${id}`).shuffle(named);
      const asked = new Set(shuffled.slice(0, perImage));
      return shuffled.flatMap((region, at): Question<NamesRegions, RegionTruth, string>[] => {
        if (!asked.has(region)) return [];
        const from = at - (at % maxObjects);
        const shown = shuffled.slice(from, from + maxObjects).map((i) => regions[i].boxXyxy);
        const { boxXyxy, category } = regions[region];
        return [
          {
            key: `region ${region}`,
            truth: { category: category!, boxXyxy },
            ask: (subject, signal) => subject.nameRegion(view, shown, at - from, signal),
          },
        ];
      });
    },
    score: scoreRegions,
  };
}

/** `semanticIou` is of words, as Osprey has it; `exact` of whole names. A question without an answer has 0 of both. */
export function scoreRegions(rows: readonly RegionRow[]): SuiteFigures {
  const judged = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    const predicted = 'answer' in row ? row.answer : '';
    const truth = row.truth.category;
    return [{ truth, overlap: wordOverlap(truth, predicted), isExact: isSameName(truth, predicted) }];
  });
  const figuresOf = (own: typeof judged): Figures => ({
    semanticIou: meanOf(own.map(({ overlap }) => overlap)),
    exact: share(own, ({ isExact }) => isExact),
  });
  const byCategory = [...groupBy(judged, ({ truth }) => truth)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    figures: { semanticSimilarity: null, ...figuresOf(judged) },
    byKind: Object.fromEntries(byCategory.map(([name, own]) => [name, figuresOf(own)])),
    variant: { semanticIou: 'words in both / words in either, lower case (Osprey)', exact: 'after normalizePhrase' },
    notes: [
      ...faultNotes(rows),
      ...(answered(rows).length > 0 ? ['semanticSimilarity needs a sentence encoder: not scored'] : []),
    ],
  };
}

const isSameName = (truth: string, predicted: string): boolean =>
  normalizePhrase(spelled(truth)) === normalizePhrase(predicted);

/** Data sets write `hot_dog` and `car:wheel`. */
const spelled = (name: string): string => name.replace(/[_:]/g, ' ');

/** Shared words over all words. A prediction may come as "Category: name."; only the name counts. */
function wordOverlap(truth: string, predicted: string): number {
  const said = predicted.trim().split(':').slice(-1)[0].replace(/[.,:]/g, ' ');
  const [a, b] = [wordsOf(spelled(truth)), wordsOf(said)];
  const both = [...a].filter((word) => b.has(word)).length;
  const either = new Set([...a, ...b]).size;
  return either === 0 ? 0 : both / either;
}

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().split(/\s+/).filter(Boolean));
