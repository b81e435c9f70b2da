/** An annotation as a sample of a data set: what any training configuration reads. */

import type { Conversation, Phrase, PhraseKind, Region, Sample } from '../../datasets/sample.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import { questionFor } from '../../prompt/templates.ts';
import type { AnnotatedPhrase, AnnotatedText, Annotation, DoneOutcome } from '../annotation.ts';

/**
 * Regions at four granularities (name, phrase, referring, description), the caption with its boxes, and phrases that
 * nothing in the image fits. More may be in the image than was annotated, so nothing is background; of a category that
 * the grounder was asked for by its bare name, and whose boxes were all kept, every thing is annotated.
 * @param file where the image is for whoever reads the sample
 */
export function toSample({ item, annotation }: DoneOutcome, file: string): Sample {
  const { width, height } = item;
  return {
    id: item.id,
    image: { file, size: { width, height } },
    regions: annotation.regions.map(
      ({ boxXyxy, category, score }): Region => ({ boxXyxy, category, granularities: ['coarse'], score }),
    ),
    phrases: phrasesOf(annotation),
    conversations: conversationsOf(annotation.texts),
    coverage: { complete: [], isClosed: false, partialCategories: partialCategories(annotation) },
  };
}

/** Categories that were only met on the way, by "red car" for example: there may be more of them. */
function partialCategories({ texts, regions, dropped }: Annotation): string[] {
  const cut = new Set(dropped.flatMap(({ stage, what }) => (stage === 'ground' ? [what] : [])));
  const asked = texts.flatMap(({ phrases }) => phrases.map(({ query }) => query));
  const complete = new Set(asked.filter((query) => !cut.has(query)));
  return [...new Set(regions.map(({ category }) => category))].filter((category) => !complete.has(category));
}

/** "Dog" is a name; "brown dog" says more of it, so it is a phrase whatever its number of words. */
function kindOf({ kind, query, regions: named }: AnnotatedPhrase, regions: Annotation['regions']): PhraseKind {
  const isName = named.length === 0 || named.some((region) => regions[region].category === query);
  return kind === 'category' && isName ? 'name' : 'phrase';
}

function phrasesOf({ texts, regions }: Annotation): Phrase[] {
  const phrases = new Map<string, { text: string; kind: PhraseKind; regions: Set<number> }>();
  const add = (text: string, kind: PhraseKind, named: readonly number[]) => {
    const key = `${kind} ${text}`;
    const known = phrases.get(key) ?? { text, kind, regions: new Set<number>() };
    for (const region of named) known.regions.add(region);
    phrases.set(key, known);
  };
  for (const { phrases: said } of texts) {
    for (const phrase of said) add(phrase.query, kindOf(phrase, regions), phrase.regions);
  }
  for (const [at, { referring, description }] of regions.entries()) {
    if (referring !== undefined) add(referring, 'referring', [at]);
    if (description !== undefined) add(description, 'description', [at]);
  }
  return [...phrases.values()].map(({ text, kind, regions: named }) => ({
    text,
    regions: [...named].sort((a, b) => a - b),
    kind,
  }));
}

/** Captions as answers to the question for one; answers of a conversation in one conversation. */
function conversationsOf(texts: readonly AnnotatedText[]): Conversation[] {
  const turns = texts.map((one) => ({
    question: [{ kind: 'text' as const, text: one.question ?? questionFor('caption-brief') }],
    answer: groundedText(one),
  }));
  if (turns.length === 0) return [];
  return [{ task: texts[0].question === undefined ? 'brief-caption' : 'conversation', turns }];
}

/** The text with its phrases tied to regions; phrases without a region are plain words. */
export function groundedText({ text, phrases }: AnnotatedText): GroundedText {
  const spans: GroundedText = [];
  let end = 0;
  const addText = (words: string) => {
    if (words !== '') spans.push({ kind: 'text', text: words });
  };
  for (const phrase of [...phrases].sort((a, b) => a.start - b.start)) {
    if (phrase.regions.length === 0) continue;
    addText(text.slice(end, phrase.start));
    spans.push({ kind: 'phrase', text: text.slice(phrase.start, phrase.end), objects: [...phrase.regions] });
    end = phrase.end;
  }
  addText(text.slice(end));
  return spans;
}
