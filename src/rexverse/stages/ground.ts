/**
 * Stage 4: phrases to boxes (paper section 4.1, phrase grounding).
 *
 * Boxes are clipped to the image and those outside it refused; a phrase keeps as many boxes as it names things; phrases
 * that mean the same box share one region, named by the longest of them; phrases without a box stay as what the image
 * does not show.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { AnnotatedPhrase, AnnotatedRegion, AnnotatedText, Dropped } from '../annotation.ts';
import type { GroundedBox, Grounder } from '../models/roles.ts';
import { classifyPhrase } from '../phrases/classify-phrase.ts';
import { nounPhrases } from '../phrases/noun-phrases.ts';
import { type Draft, Filtered } from '../pipeline.ts';
import { viewOf } from './image-view.ts';

export interface GroundOptions {
  /** Boxes below are left out. */
  readonly minScore: number;
  /** Boxes of different phrases that overlap more are one region. */
  readonly mergeIou: number;
  /** Regions of an image at most: ChatRex has a hundred index tokens. The best scores stay. */
  readonly maxRegions: number;
  /** Phrases without boxes that are kept. */
  readonly maxNegatives: number;
}

export const defaultGroundOptions: GroundOptions = { minScore: 0, mergeIou: 0.9, maxRegions: 100, maxNegatives: 20 };

export function groundPhrases(grounder: Grounder, options: GroundOptions): (draft: Draft) => Promise<Draft> {
  return async (draft) => {
    const queries = [...new Set(draft.texts.flatMap(({ phrases }) => phrases.map(({ query }) => query)))];
    const answers = await grounder.ground(viewOf(draft), queries);
    const boxes = new Map(queries.map((query, at) => [query, answers[at] ?? []]));
    const dropped: Dropped[] = [];
    const regions = joinRegions(draft, boxes, options, dropped);
    if (regions.length === 0) throw new Filtered('no boxes', draft.texts[0].text.slice(0, 200));
    return { ...draft, ...linked(draft, regions, options, dropped), dropped: [...draft.dropped, ...dropped] };
  };
}

interface JoinedRegion {
  readonly boxXyxy: BoxXyxy;
  score: number;
  /** Keys of the phrases that mean it: text and place in it. */
  readonly phrases: Set<AnnotatedPhrase>;
}

/**
 * One region for each thing, however many phrases mean it; best scores first, so that the order says nothing of the
 * text.
 */
function joinRegions(
  { texts, item }: Draft,
  boxes: ReadonlyMap<string, readonly GroundedBox[]>,
  { minScore, mergeIou, maxRegions }: GroundOptions,
  dropped: Dropped[],
): JoinedRegion[] {
  const regions: JoinedRegion[] = [];
  const refuse = (what: string, reason: string) => dropped.push({ stage: 'ground', what, reason });
  for (const { phrases } of texts) {
    for (const phrase of phrases) {
      const usable: GroundedBox[] = [];
      for (const box of boxes.get(phrase.query) ?? []) {
        const clipped = clip(box.boxXyxy, item.width, item.height);
        if (clipped === undefined) refuse(phrase.query, 'box outside the image');
        else if (box.score < minScore) refuse(phrase.query, 'score too low');
        else usable.push({ boxXyxy: clipped, score: box.score });
      }
      for (const { boxXyxy, score } of asManyAs(phrase, usable, refuse)) {
        const same = regions.find((region) => overlap(region.boxXyxy, boxXyxy) > mergeIou);
        if (same) same.score = Math.max(same.score, score);
        const region = same ?? { boxXyxy, score, phrases: new Set<AnnotatedPhrase>() };
        region.phrases.add(phrase);
        if (!same) regions.push(region);
      }
    }
  }
  regions.sort((a, b) => b.score - a.score || a.boxXyxy[0] - b.boxXyxy[0] || a.boxXyxy[1] - b.boxXyxy[1]);
  for (const region of regions.splice(maxRegions)) refuse([...region.phrases][0].query, 'too many regions');
  return regions;
}

/** The best boxes of a phrase, as many as it names things. */
function asManyAs(
  { query, count }: AnnotatedPhrase,
  boxes: readonly GroundedBox[],
  refuse: (what: string, reason: string) => void,
): readonly GroundedBox[] {
  if (count === 'several' || boxes.length <= count) return boxes;
  const best = [...boxes].sort((a, b) => b.score - a.score);
  for (let extra = count; extra < best.length; extra++) refuse(query, 'more boxes than the phrase names things');
  return best.slice(0, count);
}

/** Texts whose phrases name regions, and regions that are named by their longest phrase. */
function linked(
  { texts }: Draft,
  joined: readonly JoinedRegion[],
  { maxNegatives }: GroundOptions,
  dropped: Dropped[],
): { texts: AnnotatedText[]; regions: AnnotatedRegion[] } {
  const textOf = new Map<AnnotatedPhrase, string>(
    texts.flatMap(({ text, phrases }) =>
      phrases.map((phrase) => [phrase, text.slice(phrase.start, phrase.end)] as const),
    ),
  );
  let negatives = 0;
  const isKept = (phrase: AnnotatedPhrase) => {
    if (phrase.regions.length > 0 || ++negatives <= maxNegatives) return true;
    dropped.push({ stage: 'ground', what: phrase.query, reason: 'too many absent phrases' });
    return false;
  };
  return {
    texts: texts.map((one) => ({
      ...one,
      phrases: one.phrases
        .map((phrase) => ({
          ...phrase,
          regions: joined.flatMap(({ phrases }, at) => (phrases.has(phrase) ? [at] : [])),
        }))
        .filter(isKept),
    })),
    regions: joined.map(({ boxXyxy, score, phrases }) => {
      const longest = [...phrases].reduce((best, phrase) => (phrase.query.length > best.query.length ? phrase : best));
      return { boxXyxy, score, phrase: longest.query, category: categoryOf(textOf.get(longest) as string) };
    }),
  };
}

function categoryOf(text: string): string {
  const [phrase] = nounPhrases(text);
  return phrase ? classifyPhrase(phrase).category : text.toLowerCase();
}

/** The part of a box inside the image; undefined when less than a pixel of it is. */
function clip([left, top, right, bottom]: BoxXyxy, width: number, height: number): BoxXyxy | undefined {
  if (![left, top, right, bottom].every(Number.isFinite)) return undefined;
  const round = (value: number) => Math.round(value * 100) / 100;
  const box: BoxXyxy = [
    round(Math.min(Math.max(left, 0), width)),
    round(Math.min(Math.max(top, 0), height)),
    round(Math.min(Math.max(right, 0), width)),
    round(Math.min(Math.max(bottom, 0), height)),
  ];
  return box[2] - box[0] >= 1 && box[3] - box[1] >= 1 ? box : undefined;
}

function overlap(a: BoxXyxy, b: BoxXyxy): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  const area = ([left, top, right, bottom]: BoxXyxy) => (right - left) * (bottom - top);
  return shared / (area(a) + area(b) - shared);
}
