/**
 * Detections of models that name boxes and rank nothing: lines of Rex-Omni's toolkit, results of the baselines'
 * scripts, and answers in words that a baseline's reader understands. All scores are equal; the order of the file is
 * kept.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { type BaselineStyle, categoryNamed, spelled } from '../baselines/style.ts';
import { DetectionBuffer } from '../metrics/detection-columns.ts';
import { misfit, textOf } from './answer-fields.ts';
import { boxList, boxOf } from './box-fields.ts';
import type { DetectionAnswers } from './detection.ts';
import type { DetectionTruth, TruthImage } from './detection-files.ts';
import { isRecord, type RawRecord, type RecordFile } from './record-files.ts';
import { counted } from './suite-score.ts';

export interface NamedAnswers extends DetectionAnswers {
  readonly notes: readonly string[];
}

/** One score for all. */
const certain = 1;

interface NamedBoxes {
  readonly category: string;
  readonly boxes: readonly BoxXyxy[];
}

interface Reading {
  readonly named: readonly NamedBoxes[];
  readonly strays?: number;
  readonly malformed?: number;
  readonly isCut?: boolean;
}

/**
 * Reads answers by image: `{ image_path | image_name | file_name | image_id, extracted_predictions: { category: boxes
 * xyxy } }` in pixels (Rex-Omni); `{ ..., annotations: [{ class, rect }] }`, left, top, width and height in thousandths
 * (the authors' scripts for baselines); with a style, `{ ..., response }` in words.
 * @throws ChatRexError 'invalid-file' naming the record that is none of these
 */
export function namedDetections(
  files: readonly RecordFile[],
  truth: DetectionTruth,
  style?: BaselineStyle,
): NamedAnswers {
  const buffer = new DetectionBuffer();
  const imageAt = imagePlaces(truth);
  const categoryAt = new Map(truth.categories.map(({ name }, at) => [spelled(name), at]));
  const asked = categoriesOfImages(truth);
  const first = new FirstAnswers();
  let [unknownImages, unknownCategories, strays, malformed, cut] = [0, 0, 0, 0, 0];
  for (const file of files) {
    file.records.forEach((record, i) => {
      const image = imageAt(record);
      if (image === undefined) {
        requireNames(file, i, style);
        unknownImages++;
        return;
      }
      const reading = first.take(image, record, readRecord(file, i, truth.images[image], asked[image], style));
      if (reading === undefined) return;
      strays += reading.strays ?? 0;
      malformed += reading.malformed ?? 0;
      cut += reading.isCut ? 1 : 0;
      for (const { category, boxes } of reading.named) {
        const at = categoryAt.get(spelled(category));
        if (at === undefined) unknownCategories += boxes.length;
        else for (const box of boxes) buffer.push(image, at, box[0], box[1], box[2] - box[0], box[3] - box[1], certain);
      }
    });
  }
  const note = (count: number, noun: string, what: string) => (count > 0 ? [`${counted(count, noun)} ${what}`] : []);
  return {
    columns: buffer.columns(),
    unknownImages,
    unknownCategories,
    repeated: first.repeated,
    notes: [
      'all scores are equal: AP says little, precision and recall are meant',
      ...(strays > 0 ? [`${strays} ${strays === 1 ? 'box' : 'boxes'} of a name that was not asked for left out`] : []),
      ...note(malformed, 'object', 'that could not be read left out'),
      ...note(cut, 'answer', 'cut in the middle'),
    ],
  };
}

/**
 * Leaves out what was answered before. An answer is about one category where it says so, about those that it names in a
 * line of Rex-Omni (which may ask for a part of them at a time), else about all of the image.
 */
class FirstAnswers {
  readonly #known = new Set<string>();
  repeated = 0;

  /** What of an answer is new; undefined for one that holds nothing new. */
  take(image: number, { category, extracted_predictions: lists }: RawRecord, reading: Reading): Reading | undefined {
    if (isRecord(lists)) {
      const named = reading.named.filter((one) => this.#isNew(image, one.category));
      if (named.length < reading.named.length) this.repeated++;
      return { ...reading, named };
    }
    if (this.#isNew(image, typeof category === 'string' ? category : undefined)) return reading;
    this.repeated++;
    return undefined;
  }

  #isNew(image: number, category: string | undefined): boolean {
    const key = category === undefined ? String(image) : `${image} ${spelled(category)}`;
    const isNew = !this.#known.has(key);
    this.#known.add(key);
    return isNew;
  }
}

function readRecord(
  file: RecordFile,
  index: number,
  { width, height }: TruthImage,
  categories: readonly string[],
  style: BaselineStyle | undefined,
): Reading {
  const record = file.records[index];
  const size = width === undefined || height === undefined ? undefined : { width, height };
  const { extracted_predictions: extracted, annotations } = record;
  if (isRecord(extracted)) {
    // Rex-Omni's converter passes over whatever is no box.
    const named = Object.entries(extracted).map(([category, list]) => ({
      category,
      boxes: Array.isArray(list) ? list.map(boxOf).filter((box) => box !== undefined) : [],
    }));
    return { named };
  }
  if (Array.isArray(annotations) && size) {
    const rects = annotations.filter(isRecord).flatMap(({ class: category, rect }) => {
      const box = boxOf(rect);
      return typeof category === 'string' && box ? [{ category, boxes: [fromThousandths(box, size)] }] : [];
    });
    return { named: rects, malformed: annotations.length - rects.length };
  }
  requireNames(file, index, style);
  const text = textOf(record);
  if (style && size && text !== undefined) {
    const { boxes, strays, malformed, isCut } = style.read(text, {
      categories: oneCategory(record, categories),
      size,
      regionsXyxy: boxList(record.regions),
    });
    return { named: boxes.map(({ category, boxXyxy }) => ({ category, boxes: [boxXyxy] })), strays, malformed, isCut };
  }
  throw misfit(file, index, 'width and height of its image in the truth', 'coco');
}

/** @throws ChatRexError 'invalid-file' for a record in which no model can have named boxes */
function requireNames(file: RecordFile, index: number, style: BaselineStyle | undefined): void {
  const { extracted_predictions: extracted, annotations, ...record } = file.records[index];
  if (isRecord(extracted) || Array.isArray(annotations) || (style && textOf(record) !== undefined)) return;
  const wanted = style
    ? 'a text'
    : 'extracted_predictions by category, annotations with class and rect, or, with --style, a text';
  throw misfit(file, index, wanted, 'coco');
}

/** An answer to a question about one category says which. */
function oneCategory({ category }: RawRecord, all: readonly string[]): readonly string[] {
  if (typeof category !== 'string') return all;
  return [categoryNamed(category, all) ?? category];
}

function fromThousandths([x, y, width, height]: BoxXyxy, size: { width: number; height: number }): BoxXyxy {
  const [scaleX, scaleY] = [size.width / 1000, size.height / 1000];
  return [x * scaleX, y * scaleY, (x + width) * scaleX, (y + height) * scaleY];
}

/** Finds the image of a record by its id, or by the last part of its path. */
function imagePlaces({ images }: DetectionTruth): (record: RawRecord) => number | undefined {
  const byId = new Map(images.map(({ id }, at) => [String(id), at]));
  const byName = new Map(
    images.flatMap(({ fileName }, at) => (fileName === undefined ? [] : [[fileName, at] as const])),
  );
  return (record) => {
    const path = textOf(record, ['image_path', 'image_name', 'file_name', 'image']);
    const named = path === undefined ? undefined : byName.get(path.split(/[\\/]/).at(-1) ?? path);
    const id = textOf(record, ['image_id', 'id']);
    return named ?? (id === undefined ? undefined : byId.get(id));
  };
}

/** The names that each image was asked about: those that it has. */
function categoriesOfImages({ images, categories, truths }: DetectionTruth): string[][] {
  const imageAt = new Map(images.map(({ id }, at) => [id, at]));
  const nameOf = new Map(categories.map(({ id, name }) => [id, name]));
  const names = images.map(() => new Set<string>());
  for (const { imageId, categoryId } of truths) {
    const [at, name] = [imageAt.get(imageId), nameOf.get(categoryId)];
    if (at !== undefined && name !== undefined) names[at].add(name);
  }
  return names.map((own) => [...own]);
}
