/**
 * Mirrors of RefCOCO, an expression with its box a row: Parquet of jxu124 and lmms-lab, JSON Lines of Shikra and
 * InternVL, COCO-like JSON of MDETR and Ferret.
 */

import type { ImageSize } from '../../image/rgb-image.ts';
import { firstCharacter, jsonLines } from '../json/lines.ts';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { parquetRows } from '../parquet-rows.ts';
import type { DraftRegion, ReaderContext } from '../reader.ts';
import { cocoGroups, isRecord, sizeOf } from './coco-like.ts';
import type { RefcocoOptions } from './refcoco-options.ts';

/** Expressions of one row and the boxes that they mean. */
export interface ReferringRow {
  readonly file: string;
  readonly size?: ImageSize;
  readonly boxes: readonly Pick<DraftRegion, 'boxXyxy' | 'boxXywh' | 'sourceId'>[];
  readonly texts: readonly string[];
}

export async function* mirrorRows(
  { path, split }: RefcocoOptions,
  context: ReaderContext,
): AsyncGenerator<ReferringRow> {
  if (path.endsWith('.parquet')) yield* parquetMirror(path, split, context);
  else if (await isCocoLike(path, context)) yield* cocoMirror(path, split, context);
  else yield* lineMirror(path, context);
}

const columns = [
  'image_path',
  'file_name',
  'split',
  'sentences',
  'captions',
  'raw_anns',
  'raw_image_info',
  'bbox',
  'answer',
  'ann_id',
];

async function* parquetMirror(
  path: string,
  split: readonly string[] | undefined,
  context: ReaderContext,
): AsyncGenerator<ReferringRow> {
  let number = 0;
  let stated = 0;
  for await (const row of parquetRows(path, context, columns)) {
    number++;
    if (split !== undefined && !split.includes(String(row.split))) continue;
    const annotation = jsonField(row.raw_anns);
    if (annotation !== undefined) stated++;
    const read = parquetRow(row, annotation, jsonField(row.raw_image_info));
    if (read === undefined)
      context.report({ kind: 'bad-record', source: `row ${number}`, value: 'no image or no text' });
    else yield read;
  }
  // `bbox` is xyxy in one mirror and xywh in the other; the annotation itself leaves no doubt.
  if (stated > 0) context.note('boxes are those of raw_anns, which are xywh');
}

function parquetRow(
  row: Readonly<Record<string, unknown>>,
  annotation: Record<string, unknown> | undefined,
  image: Record<string, unknown> | undefined,
): ReferringRow | undefined {
  const file = row.image_path ?? image?.file_name ?? row.file_name;
  const texts = textsOf(row.captions ?? row.sentences ?? row.answer);
  if (typeof file !== 'string' || file === '' || texts.length === 0) return undefined;
  const size = sizeOf(image?.width, image?.height);
  const sourceId = row.ann_id === undefined ? undefined : String(row.ann_id);
  return {
    // lmms-lab's names carry the annotation: COCO_train2014_000000581857_16.jpg.
    file: file.replace(/^(.*COCO_(?:train|val)2014_\d{12})_\d+(\.\w+)$/, '$1$2'),
    ...(size && { size }),
    boxes: [{ boxXywh: annotation?.bbox ?? plainNumbers(row.bbox), ...(sourceId !== undefined && { sourceId }) }],
    texts,
  };
}

/** Parquet's lists may be typed arrays, and its numbers big ones; neither is JSON. */
function plainNumbers(value: unknown): unknown {
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(value as ArrayLike<unknown>, Number);
  return value ?? null;
}

/** Texts, `{ sent }`, or `{ raw }`, alone or in a list. */
function textsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.flatMap((entry) => {
    const text = isRecord(entry) ? (entry.sent ?? entry.raw) : entry;
    return typeof text === 'string' && text.trim() !== '' ? [text.trim()] : [];
  });
  return [...new Set(texts)];
}

function jsonField(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'string') return isRecord(value) ? value : undefined;
  try {
    const parsed = parseJson(value);
    return isRecord(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/** One object that spreads over lines, or one whose first line is not a record, is COCO-like. */
async function isCocoLike(path: string, context: ReaderContext): Promise<boolean> {
  return path.endsWith('.json') && (await firstCharacter(context.resolve(path))) === '{';
}

/** Each image of these files is one expression, its `caption`; the annotations are what it means. */
async function* cocoMirror(
  path: string,
  split: readonly string[] | undefined,
  context: ReaderContext,
): AsyncGenerator<ReferringRow> {
  const imageFields = ['caption', 'dataset_name', 'original_id', 'split'];
  for await (const { image, annotations } of cocoGroups(path, context, { imageFields })) {
    const { file_name: file, caption, split: part } = image.fields;
    if (split !== undefined && part !== undefined && !split.includes(String(part))) continue;
    if (typeof file !== 'string' || file === '' || typeof caption !== 'string' || caption.trim() === '') {
      context.report({ kind: 'bad-record', source: `image ${image.id}`, value: 'no file_name or no caption' });
      continue;
    }
    yield {
      file,
      ...(image.size && { size: image.size }),
      boxes: annotations.map(({ boxXywh }) => ({ boxXywh })),
      texts: [caption.trim()],
    };
  }
}

/** Shikra: img_path, expression; InternVL: image, sent; the box is xyxy in both. */
async function* lineMirror(path: string, context: ReaderContext): AsyncGenerator<ReferringRow> {
  for await (const { value, place } of jsonLines(path, context)) {
    const row = isRecord(value) ? value : {};
    const file = row.img_path ?? row.image;
    const texts = textsOf(row.expression ?? row.sent);
    if (typeof file !== 'string' || file === '' || texts.length === 0) {
      context.report({
        kind: 'bad-record',
        source: place,
        value: 'expected image and sent, or img_path and expression',
      });
      continue;
    }
    const size = sizeOf(row.width, row.height);
    const { bbox } = row;
    const box = Array.isArray(bbox) && bbox.length === 1 ? bbox[0] : bbox;
    yield { file, ...(size && { size }), boxes: [{ boxXyxy: box ?? null }], texts };
  }
}
