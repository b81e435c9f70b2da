/** What ties an answer's text to the image, as JSON beside the text. */

import { z } from 'zod';
import type { Answer } from '../chatrex/answer.ts';
import type { PromptPart } from '../chatrex/encoded-image.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import type { WrittenAnswer } from './engine.ts';
import type { EncodedFacts } from './model-protocol.ts';

export const phraseSchema = z.object({
  start: z.int().meta({ description: 'Offset in the text, in UTF-16 units, as JavaScript counts.' }),
  end: z.int(),
  text: z.string(),
  objects: z.array(z.int()).meta({ description: 'Indices of the boxes that the phrase means.' }),
});

export const boxSchema = z
  .array(z.number())
  .length(4)
  .meta({ description: 'x1, y1, x2, y2 in pixels of the image as it is shown, upright.' });

export const objectSchema = z.object({
  index: z.int().meta({ description: 'Index of the box: <objN> in questions.' }),
  box: boxSchema,
  score: z
    .number()
    .optional()
    .meta({ description: 'How sure the model is, 0 to 1; missing while an answer is written.' }),
});

export const sizeSchema = z.object({ width: z.int(), height: z.int() });

export const groundingSchema = z.object({
  phrases: z.array(phraseSchema),
  objects: z.array(objectSchema).meta({ description: 'Every box that a phrase means, once, with its best score.' }),
  image: sizeSchema,
});

/** For those who study the model. */
export const rawField = z
  .boolean()
  .optional()
  .meta({ description: 'Whether to return what the model read and how it spelled its answer, too.' });

const promptSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('text'), text: z.string(), tokens: z.array(z.int()) }),
      z.object({ kind: z.literal('image'), positions: z.int() }),
      z.object({ kind: z.literal('object'), index: z.int() }),
    ]),
  )
  .meta({ description: 'All that the model read: words, the image in so many positions, each object in one.' });

export const rawSchema = z.object({
  answer: z.string().meta({ description: 'With the markers of phrases and boxes.' }),
  tokens: z.array(z.int()),
  prompt_tokens: z.int(),
  prompt: promptSchema,
  ending: z.enum(['end', 'stop', 'length', 'loop']),
});

export const rawJson = ({
  source,
  ids,
  promptTokens,
  ending,
  prompt = [],
}: WrittenAnswer): z.infer<typeof rawSchema> => ({
  ...{ answer: source, tokens: [...ids], prompt_tokens: promptTokens, prompt: prompt.map(promptPartJson), ending },
});

function promptPartJson(part: PromptPart): z.infer<typeof promptSchema>[number] {
  if (part.kind === 'text') return { kind: 'text', text: part.text, tokens: [...part.ids] };
  return part.kind === 'image' ? { kind: 'image', positions: part.tokens } : { kind: 'object', index: part.index };
}

export type ObjectJson = z.infer<typeof objectSchema>;
export type PhraseJson = z.infer<typeof phraseSchema>;
export type GroundingJson = z.infer<typeof groundingSchema>;

export function groundingJson({ spans, objects, scores }: Answer, facts: EncodedFacts): GroundingJson {
  const best = new Map<number, number>();
  objects.forEach((index, row) => {
    best.set(index, Math.max(best.get(index) ?? 0, scores[row]));
  });
  return {
    phrases: phrasesOf(spans),
    objects: [...best].map(([index, score]) => ({ ...objectJson(index, facts), score: rounded(score, 4) })),
    image: { width: facts.size.width, height: facts.size.height },
  };
}

export const objectJson = (index: number, { boxesXyxy }: Pick<EncodedFacts, 'boxesXyxy'>): ObjectJson => ({
  index,
  box: boxJson(boxesXyxy, index),
});

/** Box `index` of [K, 4], to hundredths of a pixel. */
export const boxJson = (boxesXyxy: Float64Array | Float32Array, index: number): number[] =>
  Array.from(boxesXyxy.subarray(4 * index, 4 * index + 4), (value) => rounded(value, 2));

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function phrasesOf(spans: GroundedText): PhraseJson[] {
  let at = 0;
  return spans.flatMap((span) => {
    const start = at;
    at += span.text.length;
    return span.kind === 'phrase' ? [{ start, end: at, text: span.text, objects: [...span.objects] }] : [];
  });
}

/** Turns events of an answer into pieces for a stream: text at once, a phrase when its boxes are known. */
export function createGroundingStream(facts: EncodedFacts) {
  let text = '';
  let start = 0;
  return (event: AnswerEvent): { content: string } | { grounding: Omit<GroundingJson, 'image'> } | undefined => {
    if (event.kind === 'text') {
      text += event.text;
      return { content: event.text };
    }
    if (event.kind === 'phrase-start') start = text.length;
    if (event.kind !== 'phrase-end') return undefined;
    const phrase = { start, end: text.length, text: text.slice(start), objects: event.objects };
    return { grounding: { phrases: [phrase], objects: event.objects.map((index) => objectJson(index, facts)) } };
  };
}
