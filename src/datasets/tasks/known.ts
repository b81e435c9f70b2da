/**
 * What a sample's annotations allow to say: which names are complete, which are absent. Nothing else may be asked
 * about.
 */

import type { Random } from '../../random.ts';
import type { VocabularyEntry } from '../dataset.ts';
import type { Sample } from '../sample.ts';

/** What tasks are made from. */
export interface TaskContext {
  readonly sample: Sample;
  readonly vocabulary: readonly VocabularyEntry[];
  readonly wordings: 'seen' | 'unseen';
  readonly random: Random;
}

/** Regions of a category, ascending. */
export const regionsNamed = ({ regions }: Sample, name: string): number[] =>
  regions.flatMap(({ category, isIgnored }, region) => (category === name && !isIgnored ? [region] : []));

/**
 * Categories of which every region in the image is annotated, in the order of their first regions. Of a category with a
 * crowd nobody knows how many there are; sets that annotate what somebody referred to (RefCOCO) promise nothing.
 */
export function completeCategories({ regions, coverage }: Sample): string[] {
  const { complete, isClosed, partialCategories } = coverage;
  if (!isClosed && complete.length === 0 && partialCategories === undefined) return [];
  const uncertain = new Set(partialCategories);
  for (const { category, isIgnored } of regions) if (isIgnored && category !== undefined) uncertain.add(category);
  const names = regions.flatMap(({ category }) => (category === undefined ? [] : [category]));
  return [...new Set(names)].filter((name) => !uncertain.has(name));
}

/**
 * Names of which there is nothing in the image: phrases without regions, and in a closed set every category that no
 * region has. In random order.
 */
export function absentNames({ sample, vocabulary, random }: TaskContext, most: number): string[] {
  const { phrases, regions, coverage } = sample;
  const stated = phrases.flatMap(({ kind, text, regions: meant }) =>
    kind === 'name' && meant.length === 0 ? [text] : [],
  );
  if (!coverage.isClosed || vocabulary.length === 0) return random.shuffle(stated).slice(0, most);
  const present = new Set(regions.map(({ category }) => category));
  const absent = new Set(stated);
  // Most of a large vocabulary is absent: a few draws find enough.
  for (let draw = 0; draw < 20 * most && absent.size < most; draw++) {
    const { name, synonyms = [] } = random.pick(vocabulary);
    const isPartial = coverage.partialCategories?.includes(name) ?? false;
    if (!isPartial && ![name, ...synonyms].some((word) => present.has(word))) absent.add(name);
  }
  return random.shuffle([...absent]).slice(0, most);
}
