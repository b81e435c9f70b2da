/**
 * Detection by names under COCO's rules (paper section 5.1, table 2): one question for all names that an image has, or,
 * with `isVocabulary`, for every name of the data set that the annotation says something about.
 *
 * A name may be asked for only if the truth knows about it: present ones always; absent ones where the list is closed, or
 * where the sample says that there is nothing of that name. Categories of which there may be more than are annotated are
 * scored as in LVIS: what finds nothing there is not counted.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { Sample } from '../../datasets/sample.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import { measured } from '../figures.ts';
import { DetectionBuffer } from '../metrics/detection-columns.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import type { GroundTruthBox } from '../metrics/records.ts';
import type { Row } from '../row.ts';
import type { SampleView } from '../sample-view.ts';
import type { Detects, FoundBoxes } from '../subject.ts';
import type { Suite, SuiteFigures } from '../suite.ts';
import { scoreCoco } from '../suites/detection.ts';
import type { DetectionTruth } from '../suites/detection-files.ts';
import type { Figures } from '../suites/suite-score.ts';
import { imageIdsOf, wholeXywh } from './coco-records.ts';
import { faultNotes } from './notes.ts';

export interface CocoSuiteOptions {
  /** Whether every name of the vocabulary is asked for, not only those that the image has. */
  readonly isVocabulary?: boolean;
  /** Most names of one question; all by default, 8 with `isVocabulary`. */
  readonly namesPerQuestion?: number;
}

export interface DetectionQuestion {
  /** The names asked for. */
  readonly names: readonly string[];
  readonly size: ImageSize;
  readonly boxes: readonly {
    readonly name: string;
    readonly boxXyxy: BoxXyxy;
    readonly area?: number;
    readonly isCrowd?: boolean;
  }[];
  /** Names of which there may be more than `boxes` has. */
  readonly partial?: readonly string[];
}

export type DetectionRow = Row<DetectionQuestion, FoundBoxes>;

const vocabularyNamesPerQuestion = 8;

/** @example runSuite({ suite: cocoSuite({ isVocabulary: true }), data, open: async () => new ModelSubject(model), store }) */
export function cocoSuite({
  isVocabulary = false,
  namesPerQuestion,
}: CocoSuiteOptions = {}): Suite<Detects, DetectionQuestion, FoundBoxes> {
  const most = namesPerQuestion ?? (isVocabulary ? vocabularyNamesPerQuestion : Number.POSITIVE_INFINITY);
  return {
    name: 'coco',
    needs: ['images', 'boxes', 'categories'],
    questions: async (view) => {
      if (view.sample.image === undefined) return [];
      const names = namesToAsk(view, isVocabulary);
      const size = await view.size();
      return chunks(names, most).map((asked) => ({
        key: asked.join('; '),
        truth: truthOf(view.sample, asked, size),
        ask: (subject, signal) => subject.detect(view, asked, signal),
      }));
    },
    score: scoreDetections,
  };
}

function namesToAsk({ sample, data }: SampleView, isVocabulary: boolean): string[] {
  const { regions, phrases, coverage } = sample;
  const present = regions.flatMap(({ category, isIgnored }) => (category === undefined || isIgnored ? [] : [category]));
  if (!isVocabulary) return [...new Set(present)];
  if (coverage.isClosed) return data.vocabulary.map(({ name }) => name);
  const absent = phrases.filter(({ kind, regions: meant }) => kind === 'name' && meant.length === 0);
  return [...new Set([...present, ...absent.map(({ text }) => text)])];
}

function truthOf({ regions, coverage }: Sample, names: readonly string[], size: ImageSize): DetectionQuestion {
  const asked = new Set(names);
  const boxes = regions.flatMap(({ category, boxXyxy, areaPixels, isIgnored }) => {
    if (category === undefined || !asked.has(category)) return [];
    const area = areaPixels === undefined ? {} : { area: areaPixels };
    return [{ name: category, boxXyxy, ...area, ...(isIgnored && { isCrowd: true }) }];
  });
  const partial = (coverage.partialCategories ?? []).filter((name) => asked.has(name));
  return { names, size, boxes, ...(partial.length > 0 && { partial }) };
}

/** Figures of table 2 by the rules of `chatrex score coco`, on what was asked. */
export function scoreDetections(rows: readonly DetectionRow[]): SuiteFigures {
  const { truth, answers, notes } = detectionTables(rows);
  // Only names that were asked for are in the answers, so that none is left out for its image.
  const { figures, byKind, byCategory, variant } = scoreCoco(truth, answers, { hasAllCategories: true });
  return { figures: withoutMinusOne(figures), byKind, byCategory, variant, notes };
}

const withoutMinusOne = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value === null ? null : measured(value)]));

/** Rows as the truth and the answers of a file of results; a category's id is its place among all names, sorted. */
export function detectionTables(rows: readonly DetectionRow[]) {
  const asked = rows.flatMap((row) => (row.truth === undefined ? [] : [{ ...row, truth: row.truth }]));
  const names = [...new Set(asked.flatMap(({ truth }) => truth.names))].sort();
  const idOf = new Map(names.map((name, id) => [name, id]));
  const imageIdOf = imageIdsOf(rows);
  const imageIds = [...new Set(asked.map(imageIdOf))].sort((a, b) => a - b);
  const imageAt = new Map(imageIds.map((id, at) => [id, at]));
  const truths = asked.flatMap((row) => truthRecords(row.truth, imageIdOf(row), idOf));
  const detections = new DetectionBuffer();
  let [strays, malformed, cut] = [0, 0, 0];
  for (const row of asked) {
    if (!('answer' in row)) continue;
    const image = imageAt.get(imageIdOf(row))!;
    const categoryOf = new Map(row.truth.names.map((name) => [normalizePhrase(name), idOf.get(name)!]));
    for (const { label, boxXyxy, score } of row.answer.boxes) {
      const category = categoryOf.get(normalizePhrase(label));
      if (category === undefined) strays++;
      else detections.push(image, category, ...wholeXywh(boxXyxy), score);
    }
    strays += row.answer.strays ?? 0;
    malformed += row.answer.malformed ?? 0;
    if (row.answer.isCut) cut++;
  }
  const truth: DetectionTruth = {
    path: 'rows',
    images: imageIds.map((id) => ({ id })),
    categories: names.map((name, id) => ({ id, name })),
    truths,
  };
  const many = (count: number, what: string) => (count === 0 ? [] : [`${what}: ${count}`]);
  return {
    truth,
    answers: { columns: detections.columns(), unknownImages: 0, unknownCategories: 0 },
    notes: [
      ...faultNotes(rows),
      ...many(strays, 'boxes of a name that was not asked for, left out'),
      ...many(malformed, 'objects of answers that could not be read'),
      ...many(cut, 'answers cut for their length or for repeating themselves'),
    ],
  };
}

function truthRecords(truth: DetectionQuestion, imageId: number, idOf: ReadonlyMap<string, number>): GroundTruthBox[] {
  const boxes = truth.boxes.map(({ name, boxXyxy, ...rest }) => {
    return { imageId, categoryId: idOf.get(name)!, boxXywh: wholeXywh(boxXyxy), ...rest };
  });
  // Whatever finds nothing lies in this crowd, which makes it uncounted: the rule of LVIS.
  const { width, height } = truth.size;
  const crowds = (truth.partial ?? []).map((name) => {
    return { imageId, categoryId: idOf.get(name)!, boxXywh: [0, 0, width, height] as const, isCrowd: true };
  });
  return [...boxes, ...crowds];
}

function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  const parts: Item[][] = [];
  for (let from = 0; from < items.length; from += most) parts.push(items.slice(from, from + most));
  return parts;
}
