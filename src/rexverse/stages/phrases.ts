/**
 * Stage 3: the noun phrases of every text that may have a box, with their places (paper section 4.1, phrase grounding).
 */

import type { AnnotatedPhrase, Dropped } from '../annotation.ts';
import { classifyPhrase } from '../phrases/classify-phrase.ts';
import { nounPhrases } from '../phrases/noun-phrases.ts';
import { type Draft, Filtered } from '../pipeline.ts';

/** No caption of a sentence has more; a list of more is a fault of the captioner. */
export const maxPhrases = 40;
const maxPhraseCharacters = 120;

export async function extractPhrases(draft: Draft): Promise<Draft> {
  const dropped: Dropped[] = [];
  const texts = draft.texts.map((one) => ({ ...one, phrases: phrasesOf(one.text, dropped) }));
  if (texts.every(({ phrases }) => phrases.length === 0)) {
    const [{ text }] = texts;
    throw new Filtered(isEnglish(text) ? 'no phrases' : 'not English', text.slice(0, 200));
  }
  return { ...draft, texts, dropped: [...draft.dropped, ...dropped] };
}

/** The phrases of a text, without boxes yet. */
export function phrasesOf(text: string, dropped: Dropped[] = []): AnnotatedPhrase[] {
  const phrases: AnnotatedPhrase[] = [];
  for (const phrase of nounPhrases(text)) {
    const { start, end, query, kind, count, fault } = classifyPhrase(phrase);
    const reason =
      fault ??
      (end - start > maxPhraseCharacters
        ? 'phrase too long'
        : phrases.length === maxPhrases
          ? 'too many phrases'
          : undefined);
    if (reason) dropped.push({ stage: 'phrases', what: text.slice(start, Math.min(end, start + 200)), reason });
    else phrases.push({ start, end, query, kind, count, regions: [] });
  }
  return phrases;
}

/**
 * The rule for noun phrases knows English; a text that is mostly of other letters is told apart from one without nouns.
 */
function isEnglish(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return letters === 0 || (text.match(/[A-Za-z]/g)?.length ?? 0) >= letters / 2;
}
