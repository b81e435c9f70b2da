/**
 * The forms in which RefCOCO goes round: JSON Lines of Shikra and InternVL, tables of lmms-lab and VLMEvalKit,
 * COCO-like files of MDETR; and answers as boxes or as text.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxesInText, type CoordinateFrame, inferFrame, toPixels } from '../baselines/coordinates.ts';
import { idOf, misfit, textOf } from './answer-fields.ts';
import { boxList, boxOf } from './box-fields.ts';
import { guessSuite } from './guess-suite.ts';
import { isRecord, type RawRecord, type RecordFile } from './record-files.ts';

export interface RefcocoSample {
  readonly id: string;
  /** RefCOCO_val, RefCOCO+_testA ...; the name of the file where the records do not say it. */
  readonly split: string;
  readonly sentence: string;
  /** In pixels of the image, as answers must be. */
  readonly boxXyxy: BoxXyxy;
  readonly width?: number;
  readonly height?: number;
}

export interface RefcocoAnswer {
  readonly id: string;
  readonly boxesXyxy: readonly BoxXyxy[];
}

/**
 * Samples of a file, one a sentence. Ids are the records' own, or their place in the file.
 * Forms: `{ img_path, expression, bbox, width, height }` (Shikra), `{ image, sent, bbox, width, height }` (InternVL),
 * both xyxy; `{ question_id, answer: [sentences], bbox }` (lmms-lab, xywh, the id gets `_0`, `_1` ...); a table with
 * `bbox_x1` ... (VLMEvalKit); `{ images: [{ id, caption, ... }], annotations }` (MDETR).
 */
export function refcocoSamples(file: RecordFile): RefcocoSample[] {
  const fallback = splitOfFile(file.path);
  const images = file.records.find(({ id }) => id === 'images')?.value;
  const annotations = file.records.find(({ id }) => id === 'annotations')?.value;
  if (Array.isArray(images) && Array.isArray(annotations)) return mdetrSamples(file, images, annotations, fallback);
  return file.records.flatMap((record, i) => {
    const split = splitOf(record) ?? fallback;
    const id = idOf(record) ?? String(i);
    const size = { width: numberOf(record.width), height: numberOf(record.height) };
    const corners = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2'].map((field) => numberOf(record[field]));
    const box = boxOf(corners) ?? boxOf(record.bbox);
    if (!box) throw misfit(file, i, 'a sentence and its bbox (four numbers)', 'refcoco');
    if (Array.isArray(record.answer)) {
      const boxXyxy: BoxXyxy = [box[0], box[1], box[0] + box[2], box[1] + box[3]];
      return record.answer.map((sentence, at) => ({
        id: `${id}_${at}`,
        split,
        sentence: String(sentence),
        boxXyxy,
        ...size,
      }));
    }
    const sentence = textOf(record, ['expression', 'sent', 'sentence', 'caption', 'question']);
    if (sentence === undefined) throw misfit(file, i, 'a sentence and its bbox (four numbers)', 'refcoco');
    return [{ id, split, sentence, boxXyxy: box, ...size }];
  });
}

function mdetrSamples(
  file: RecordFile,
  images: readonly unknown[],
  annotations: readonly unknown[],
  split: string,
): RefcocoSample[] {
  const boxes = new Map<unknown, BoxXyxy>();
  for (const annotation of annotations) {
    if (!isRecord(annotation)) continue;
    const box = boxOf(annotation.bbox);
    if (box && !boxes.has(annotation.image_id)) {
      boxes.set(annotation.image_id, [box[0], box[1], box[0] + box[2], box[1] + box[3]]);
    }
  }
  return images.filter(isRecord).map((image, i) => {
    const boxXyxy = boxes.get(image.id);
    if (!boxXyxy || typeof image.caption !== 'string') {
      const wanted = 'an image with a caption (the sentence) and an annotation';
      throw misfit({ ...file, records: images.filter(isRecord) }, i, wanted, 'refcoco');
    }
    return {
      id: String(image.id),
      split,
      sentence: image.caption,
      boxXyxy,
      width: numberOf(image.width),
      height: numberOf(image.height),
    };
  });
}

/**
 * Answers by id, or by their place in the file: `boxes` or `extracted_predictions` in pixels, or a text with boxes in
 * it.
 * @param frame what the numbers of a text mean; guessed from each text by default, as VLMEvalKit does: up to 1.5
 *   shares,
 * up to 1000 thousandths, else pixels
 */
export function refcocoAnswers(
  file: RecordFile,
  samples: readonly RefcocoSample[],
  frame?: CoordinateFrame,
): RefcocoAnswer[] {
  const sampleOf = new Map(samples.map((sample) => [sample.id, sample]));
  return file.records.map((record, i) => {
    const id = idOf(record) ?? String(i);
    const wanted = 'boxes, extracted_predictions or a text with boxes';
    // Their boxes are not of sentences.
    if (guessSuite(record) === 'proposals') throw misfit(file, i, wanted, 'refcoco');
    const listed = boxList(record.boxes ?? record.extracted_predictions);
    if (listed) return { id, boxesXyxy: listed };
    const text = textOf(record);
    if (text === undefined) throw misfit(file, i, wanted, 'refcoco');
    const boxes = boxesInText(text);
    const { width, height } = sampleOf.get(id) ?? {};
    const used = frame ?? inferFrame(boxes);
    if (used === 'pixels') return { id, boxesXyxy: boxes };
    if (width === undefined || height === undefined) {
      // An answer to an unknown sample is told of when answers are paired.
      if (!sampleOf.has(id)) return { id, boxesXyxy: [] };
      throw misfit(
        file,
        i,
        `width and height of sample ${id} in the truth, to read boxes that are no pixels`,
        'refcoco',
      );
    }
    return { id, boxesXyxy: boxes.map((box) => toPixels(box, used, { width, height })) };
  });
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

const suffixes: Readonly<Record<string, string>> = { val: 'val', test: 'test', testa: 'testA', testb: 'testB' };

/** `RefCOCO+ test A`, `refcocog_umd_val`, `REC_refcoco_unc_testA` -> RefCOCO+_testA ... */
function splitOf(record: RawRecord): string | undefined {
  const field = record.split ?? record.category ?? record.dataset_name;
  if (typeof field !== 'string') return undefined;
  return canonicalSplit(field) ?? field;
}

function canonicalSplit(text: string): string | undefined {
  const set = /refcoco(\+|plus|p(?![a-z])|g)?/i.exec(text);
  const part = /(val|test[\s_-]?[ab]?)(?![a-z])/i.exec(text.slice(set ? set.index + set[0].length : 0));
  if (!set || !part) return undefined;
  const kind = set[1]?.toLowerCase();
  const name = kind === undefined ? 'RefCOCO' : kind === 'g' ? 'RefCOCOg' : 'RefCOCO+';
  return `${name}_${suffixes[part[1].toLowerCase().replace(/[\s_-]/g, '')]}`;
}

function splitOfFile(path: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  return canonicalSplit(name) ?? name.replace(/\.[^.]*$/, '');
}
