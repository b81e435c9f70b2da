/** Writes grounded text in a dialect: the reverse of `parseAnswer`. */

import { type Dialect, noObjects, objectToken } from './dialect.ts';
import type { GroundedText } from './grounded-text.ts';

/**
 * The canonical spelling. Parsing it gives the same spans back, provided no text holds a tag or index token of its own
 * and neighbouring texts are one span.
 */
export function renderAnswer(spans: GroundedText, dialect: Dialect): string {
  return spans
    .map((span) => {
      if (span.kind === 'text') return span.text;
      const objects = span.objects.length > 0 ? span.objects.map(objectToken).join('') : noObjects;
      const { phraseStart, phraseEnd, objectsStart, objectsEnd } = dialect;
      return phraseStart + span.text + phraseEnd + objectsStart + objects + objectsEnd;
    })
    .join('');
}

/** What a person reads. */
export const plainText = (spans: GroundedText): string => spans.map(({ text }) => text).join('');

/** A question in words; regions become index tokens. */
export function renderQuestion(question: GroundedText): string {
  return question.map((span) => (span.kind === 'text' ? span.text : span.objects.map(objectToken).join(''))).join('');
}
