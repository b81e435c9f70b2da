/**
 * Stage 5: a sentence about each region, told its phrase (paper section 4.1, table 9), and untold, to measure appendix
 * C.3.
 */

import type { AnnotatedRegion, Dropped } from '../annotation.ts';
import { isRefusal } from '../models/read-answers.ts';
import type { Describer, RegionView } from '../models/roles.ts';
import type { Draft } from '../pipeline.ts';
import { viewOf } from './image-view.ts';

export interface DescribeOptions {
  /** Whether each region is also described without its phrase. */
  readonly isPlainWanted: boolean;
  /** Regions that are described, the best scores first; each costs a call, and two more to verify and rewrite. */
  readonly maxDescribed: number;
  /** Regions with a shorter side, in pixels, are not described: a crop of them shows nothing. */
  readonly minSide: number;
}

export const defaultDescribeOptions: DescribeOptions = { isPlainWanted: false, maxDescribed: 20, minSide: 12 };

/** Longer descriptions are cut off models, not sentences. */
const maxCharacters = 1000;
/** "Red car" says no more than a phrase does. */
const minWords = 3;

export function describeRegions(describer: Describer, options: DescribeOptions): (draft: Draft) => Promise<Draft> {
  return async (draft) => {
    const { regions, entry } = draft;
    // Conversations need their answers grounded, no more (paper section 4.1, end).
    if (entry.turns) return draft;
    const image = viewOf(draft);
    const dropped: Dropped[] = [];
    const described: AnnotatedRegion[] = [];
    for (const [at, region] of regions.entries()) {
      const refused = whyNot(region, at, options);
      if (refused) {
        dropped.push({ stage: 'describe', what: region.phrase, reason: refused });
        described.push(region);
        continue;
      }
      const view = regionView(regions, at);
      const description = await describer.describe(image, view, true);
      const plainDescription = options.isPlainWanted ? await describer.describe(image, view, false) : undefined;
      const fault = faultOf(description);
      if (fault) dropped.push({ stage: 'describe', what: region.phrase, reason: fault });
      described.push({
        ...region,
        ...(!fault && { description }),
        ...(plainDescription !== undefined && { plainDescription }),
      });
    }
    return { ...draft, regions: described, dropped: [...draft.dropped, ...dropped] };
  };
}

/** A region as the models see it. */
export function regionView(regions: readonly AnnotatedRegion[], region: number): RegionView {
  return { boxesXyxy: regions.map(({ boxXyxy }) => boxXyxy), region, phrase: regions[region].phrase };
}

function whyNot(
  { boxXyxy }: AnnotatedRegion,
  at: number,
  { maxDescribed, minSide }: DescribeOptions,
): string | undefined {
  if (at >= maxDescribed) return 'enough regions described';
  const [left, top, right, bottom] = boxXyxy;
  return Math.min(right - left, bottom - top) < minSide ? 'region too small' : undefined;
}

/** Why a description is of no use; undefined when it may be one. */
export function faultOf(description: string): string | undefined {
  if (description.length > maxCharacters) return 'description too long';
  if (isRefusal(description)) return 'refused';
  // Small models answer with the name alone, or as if they had been asked whether the thing is there: "giraffe: yes."
  const words = description.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  return words < minWords || /[:,]\s*(?:yes|no)\.?$/i.test(description) ? 'no sentence' : undefined;
}
