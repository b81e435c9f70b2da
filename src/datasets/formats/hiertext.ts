/** HierText (google-research-datasets/hiertext): text in images as paragraphs, lines and words, in one JSON object. */

import { z } from 'zod';
import { jsonElements } from '../json/elements.ts';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftRegion, type DraftSample, defineReader } from '../reader.ts';
import type { Phrase } from '../sample.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** `train.jsonl.gz`, `validation.jsonl.gz`, or the same unpacked. */
  path: pathOption,
  /** The folder of images; without it, they are not looked for. */
  images: pathOption.optional(),
  /** Whether a region is a word, a line or a paragraph. */
  level: z.enum(['word', 'line', 'paragraph']).default('line'),
  ...commonOptions,
});

type Level = 'word' | 'line' | 'paragraph';

/**
 * Boxes of text, with what is written as a description; everything without a box is background; illegible text is
 * ignored.
 */
export const reader = defineReader({
  format: 'hiertext',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, level }, context) {
    context.setVocabulary([{ name: 'text' }]);
    const { onBytes, signal } = context;
    const isWanted = (section: string) => section === 'annotations';
    for await (const batch of jsonElements(context.resolve(path), { onBytes, signal, isWanted })) {
      for (const { value, index } of batch) {
        const draft = hierTextDraft(value, level);
        if (draft !== undefined) yield draft;
        else
          context.report({
            kind: 'bad-record',
            source: `annotations ${index}`,
            value: 'expected image_id and paragraphs',
          });
      }
    }
  },
});

interface Collected {
  readonly regions: DraftRegion[];
  readonly phrases: Phrase[];
}

function hierTextDraft(value: unknown, level: Level): DraftSample | undefined {
  const { image_id: given, image_width: width, image_height: height, paragraphs } = isRecord(value) ? value : {};
  const id = idOf(given);
  if (id === undefined || !Array.isArray(paragraphs)) return undefined;
  const collected: Collected = { regions: [], phrases: [] };
  for (const paragraph of paragraphs) addText(paragraph, 'paragraph', level, collected);
  const size = sizeOf(width, height);
  return {
    id,
    image: { file: `${id}.jpg`, ...(size && { size }) },
    ...collected,
    conversations: [],
    coverage: completeCoverage,
  };
}

const inner = {
  paragraph: { field: 'lines', level: 'line' },
  line: { field: 'words', level: 'word' },
  word: undefined,
} as const;

/** Adds text of the wanted level. A larger piece is replaced by its parts; if it has none, it is added as ignored. */
function addText(value: unknown, level: Level, wanted: Level, collected: Collected): void {
  const piece = isRecord(value) ? value : {};
  const below = inner[level];
  const parts = below === undefined ? undefined : piece[below.field];
  if (level !== wanted && below !== undefined && Array.isArray(parts) && parts.length > 0) {
    for (const part of parts) addText(part, below.level, wanted, collected);
    return;
  }
  const isIgnored = piece.legible === false || level !== wanted;
  const place = collected.regions.push({
    boxXyxy: boundsOf(piece.vertices),
    category: 'text',
    granularities: ['coarse'],
    ...(isIgnored && { isIgnored }),
  });
  const text = textOf(piece);
  if (!isIgnored && text !== '') collected.phrases.push({ text, regions: [place - 1], kind: 'description' });
}

/** Paragraphs have no text of their own. */
function textOf({ text, lines }: Record<string, unknown>): string {
  if (typeof text === 'string') return text;
  if (!Array.isArray(lines)) return '';
  return lines.flatMap((line) => (isRecord(line) && typeof line.text === 'string' ? [line.text] : [])).join('\n');
}

/** The box around a polygon [[x, y], ...]; what is no polygon is returned as it is, to be shown. */
function boundsOf(vertices: unknown): unknown {
  if (!Array.isArray(vertices) || vertices.length < 3) return vertices ?? null;
  const xs = vertices.map((vertex) => (Array.isArray(vertex) ? vertex[0] : undefined));
  const ys = vertices.map((vertex) => (Array.isArray(vertex) ? vertex[1] : undefined));
  if (![...xs, ...ys].every((side) => Number.isFinite(side))) return vertices;
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
