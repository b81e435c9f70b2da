/**
 * Which phrase of an answer has which colour and which boxes: shared by the image, the web page and the terminal, so
 * that all three agree.
 */
import { type BoxArray, countBoxes } from '../boxes/box-array.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { Rgb } from '../image/rgb-image.ts';
import { colourAt, colourIndices } from './colours.ts';

/**
 * A span as it is shown. Phrases that name no object are shown like text; one at the start of a line says so: "cup
 * (none)".
 */
export interface ShownSpan {
  readonly text: string;
  /** For phrases with objects: 0, 1, 2, ... by first appearance; equal phrases share one. */
  readonly phrase?: number;
  readonly colour?: Rgb;
  readonly objects: readonly number[];
}

/** One box under one phrase; a box that several phrases name comes once for each. */
export interface PhraseBox {
  readonly object: number;
  readonly phrase: number;
  readonly text: string;
  readonly colour: Rgb;
  /** How many other phrases named the same box before. */
  readonly depth: number;
}

export function showSpans(answer: GroundedText): ShownSpan[] {
  const phrases = answer.flatMap((span) => (span.kind === 'phrase' && span.objects.length > 0 ? [span.text] : []));
  const indices = colourIndices(phrases).values();
  return answer.map((span, i) => {
    if (span.kind === 'text') return { text: span.text, objects: [] };
    if (span.objects.length === 0) {
      // A list has a line for each thing that was asked for; in a sentence the words around it tell.
      const startsLine = i === 0 || answer[i - 1].text.endsWith('\n');
      return { text: startsLine ? `${span.text} (none)` : span.text, objects: [] };
    }
    const phrase = indices.next().value!;
    return { text: span.text, phrase, colour: colourAt(phrase), objects: span.objects };
  });
}

/**
 * The boxes to draw, in reading order. Indices beyond the boxes that exist have nothing to draw and are passed over.
 */
export function phraseBoxes(spans: readonly ShownSpan[], boxesXyxy: BoxArray): PhraseBox[] {
  const count = countBoxes(boxesXyxy);
  const phrasesOfObject = new Map<number, Set<number>>();
  const result: PhraseBox[] = [];
  for (const { text, phrase, colour, objects } of spans) {
    if (phrase === undefined || colour === undefined) continue;
    for (const object of objects) {
      if (object < 0 || object >= count) continue;
      const earlier = phrasesOfObject.get(object) ?? new Set();
      if (!earlier.has(phrase)) result.push({ object, phrase, text, colour, depth: earlier.size });
      phrasesOfObject.set(object, earlier.add(phrase));
    }
  }
  return result;
}
