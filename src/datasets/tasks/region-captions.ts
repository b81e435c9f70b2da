/** Captions of one region: its category, or what the data set says of it. */

import { askAboutRegion } from '../../prompt/phrasings.ts';
import type { Conversation, PhraseKind, Sample } from '../sample.ts';
import type { TaskContext } from './known.ts';

/** Styles of captions, and the kinds of phrases that are captions in that style. */
const styles = {
  category: 'name',
  phrase: 'phrase',
  sentence: 'description',
  referring: 'referring',
} as const satisfies Record<string, PhraseKind>;

type Style = keyof typeof styles;

/** A random caption of a region that it fits, in a random style that the image has unless one is asked for. */
export function regionCaption(context: TaskContext, style?: string): Conversation | null {
  const { sample, random, wordings } = context;
  const captions = (Object.keys(styles) as Style[])
    .filter((one) => style === undefined || one === style)
    .map((one) => ({ style: one, captions: captionsOf(sample, one) }))
    .filter((one) => one.captions.length > 0);
  if (captions.length === 0) return null;
  const chosen = random.pick(captions);
  // What is there many times would hardly leave room for anything else.
  const said = random.pick([...new Set(chosen.captions.map(({ text }) => text))]);
  const { region, text } = random.pick(chosen.captions.filter((caption) => caption.text === said));
  const question = askAboutRegion(`region-${chosen.style}`, region, wordings, random);
  const { category } = sample.regions[region];
  return {
    task: 'region-caption',
    style: chosen.style,
    turns: [{ question, answer: [{ kind: 'text', text }], ...(category !== undefined && { accepted: [category] }) }],
  };
}

/** Of one region each: a phrase that means several regions describes none of them. */
function captionsOf({ regions, phrases }: Sample, style: Style): { region: number; text: string }[] {
  const ofPhrases = phrases.flatMap(({ kind, text, regions: meant }) =>
    kind === styles[style] && meant.length === 1 && !regions[meant[0]].isIgnored ? [{ region: meant[0], text }] : [],
  );
  if (style !== 'category') return ofPhrases;
  const ofRegions = regions.flatMap(({ category, isIgnored }, region) =>
    category === undefined || isIgnored ? [] : [{ region, text: category }],
  );
  return ofRegions.length > 0 ? ofRegions : ofPhrases;
}
