/**
 * The category of given boxes, in free words (paper section 5.3, table 5, after Osprey). All boxes of an image are
 * shown, up to 100 at a time, and each is asked for by itself.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import { createRandom } from '../../random.ts';
import { type Row, rowName } from '../row.ts';
import type { NamesRegions } from '../subject.ts';
import type { Question, Suite, SuiteFigures } from '../suite.ts';
import { cleanCategory, type EncodeTexts, type RegionName, scoreRegions } from '../suites/regions.ts';
import { faultNotes } from './notes.ts';

export interface RegionTruth {
  readonly category: string;
  readonly boxXyxy: BoxXyxy;
}

export interface RegionsSuiteOptions {
  /** Regions of an image that are asked for, drawn by the sample's id; all by default. */
  readonly perImage?: number;
  /** The sentence encoder of `semanticSimilarity`. */
  readonly encode?: EncodeTexts;
}

export type RegionRow = Row<RegionTruth, string>;

/**
 * Asks what each region of a sample is.
 * @example const suite = regionsSuite({ perImage: 5 });
 *   await evaluate({ suite, data, open: async () => new ModelSubject({ chatrex }), model });
 */
export function regionsSuite({ perImage, encode }: RegionsSuiteOptions = {}): Suite<NamesRegions, RegionTruth, string> {
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
    score: (rows) => scoreRegionRows(rows, encode),
  };
}

/**
 * Figures of table 5 by the rules of `chatrex score regions`; a question without an answer has 0 of each.
 * @param encode the sentence encoder; without it `semanticSimilarity` is null
 */
export async function scoreRegionRows(rows: readonly RegionRow[], encode?: EncodeTexts): Promise<SuiteFigures> {
  const asked = rows.flatMap((row) => (row.truth === undefined ? [] : [{ ...row, truth: row.truth }]));
  const names = asked.map((row): RegionName => {
    const category = cleanCategory(row.truth.category);
    return { id: rowName(row), category, set: category };
  });
  const texts = asked.flatMap((row) => ('answer' in row ? [{ id: rowName(row), text: row.answer }] : []));
  if (texts.length === 0) {
    const none = asked.length === 0 ? null : 0;
    const figures = { semanticSimilarity: null, semanticIou: none, exact: none };
    return { figures, byKind: {}, variant: {}, notes: faultNotes(rows) };
  }
  const { figures, byKind, variant } = await scoreRegions(names, texts, encode);
  return { figures, byKind: {}, byCategory: byKind, variant, notes: faultNotes(rows) };
}
