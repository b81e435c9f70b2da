/** A sample as JSON from outside, checked. Boxes are left to `finishSample`, which makes faults of bad ones. */

import { z } from 'zod';
import type { VocabularyEntry } from './dataset.ts';
import type { DraftSample } from './reader.ts';

const span = z.union([
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('phrase'), text: z.string(), objects: z.array(z.int().nonnegative()) }),
]);

const size = z.object({ width: z.int().positive(), height: z.int().positive() });

const granularities = z.array(z.enum(['fine', 'coarse']));

const region = z.object({
  boxXyxy: z.unknown(),
  category: z.string().optional(),
  granularities: granularities.default(['coarse']),
  isIgnored: z.boolean().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  areaPixels: z.number().nonnegative().optional(),
  partOf: z.int().nonnegative().optional(),
  score: z.number().min(0).max(1).optional(),
  sourceId: z.string().optional(),
});

const phrase = z.object({
  text: z.string(),
  regions: z.array(z.int().nonnegative()),
  kind: z.enum(['name', 'phrase', 'referring', 'description']),
});

const turn = z.object({
  question: z.array(span),
  answer: z.array(span),
  accepted: z.array(z.string()).optional(),
  kind: z.string().optional(),
});

const conversation = z.object({ task: z.string(), style: z.string().optional(), turns: z.array(turn) });

const coverage = z.object({
  complete: granularities,
  isClosed: z.boolean(),
  partialCategories: z.array(z.string()).optional(),
});

const image = z.object({
  file: z.string().min(1),
  range: z.tuple([z.int().nonnegative(), z.int().nonnegative()]).optional(),
  isBase64: z.boolean().optional(),
  size: size.optional(),
});

/** Only `id` is required: a line `{"id": "a", "image": {"file": "a.jpg"}}` is a sample of which nothing is known. */
const sampleSchema = z.object({
  id: z.string().min(1),
  image: image.optional(),
  regions: z.array(region).default([]),
  phrases: z.array(phrase).default([]),
  conversations: z.array(conversation).default([]),
  coverage: coverage.default({ complete: [], isClosed: false }),
});

/** The draft that a value is, or what is wrong with it. */
export function parseSample(value: unknown): { draft: DraftSample } | { problem: string } {
  const parsed = sampleSchema.safeParse(value);
  if (!parsed.success) return { problem: problemOf(parsed.error) };
  const count = parsed.data.regions.length;
  const mentioned = [
    ...parsed.data.phrases.flatMap(({ regions }) => regions),
    ...parsed.data.regions.flatMap(({ partOf }) => partOf ?? []),
    ...parsed.data.conversations.flatMap(({ turns }) =>
      turns.flatMap(({ question, answer }) =>
        [...question, ...answer].flatMap((part) => (part.kind === 'phrase' ? part.objects : [])),
      ),
    ),
  ];
  const stray = mentioned.find((index) => index >= count);
  if (stray !== undefined) return { problem: `region ${stray} is mentioned, there are ${count}` };
  return { draft: parsed.data };
}

function problemOf(error: z.ZodError): string {
  const [{ path, message }] = error.issues;
  return `${path.join('.') || 'the line'}: ${message}`;
}

const vocabularySchema = z.array(
  z.object({
    name: z.string(),
    synonyms: z.array(z.string()).optional(),
    frequency: z.enum(['r', 'c', 'f']).optional(),
    sourceId: z.int().optional(),
  }),
);

/** The categories of a header line; undefined where the value is not one. */
export function parseHeader(value: unknown): readonly VocabularyEntry[] | undefined {
  const parsed = z.object({ vocabulary: vocabularySchema, id: z.undefined().optional() }).safeParse(value);
  return parsed.success ? parsed.data.vocabulary : undefined;
}
