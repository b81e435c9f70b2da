/** Which colour each phrase of an answer has, and each box by the phrase that means it. */

import { colourAt, colourIndices, toHex } from '../../src/drawing/colours.ts';
import type { Answer, Box, Phrase } from './model.ts';

/** One colour per phrase; phrases with the same words share one. */
export const phraseColours = (phrases: readonly Phrase[]): string[] =>
  colourIndices(phrases.map(({ text }) => text)).map((index) => toHex(colourAt(index)));

/** Box id to colour: that of the first phrase that means it. */
export function boxColours(answer: Pick<Answer, 'phrases'> | undefined): Map<string, string> {
  const colours = new Map<string, string>();
  if (!answer) return colours;
  const ofPhrase = phraseColours(answer.phrases);
  answer.phrases.forEach(({ boxes }, index) => {
    for (const id of boxes) if (!colours.has(id)) colours.set(id, ofPhrase[index]);
  });
  return colours;
}

/** Box id to colour while no answer is shown: one colour per name; among many boxes those without a name differ too. */
export function plainColours(boxes: readonly Box[], isMany: boolean): Map<string, string> {
  const named = boxes.filter(({ label }) => isMany || label !== undefined);
  const indices = colourIndices(named.map(({ id, label }) => label ?? id));
  return new Map(named.map(({ id }, i) => [id, toHex(colourAt(indices[i]))]));
}
