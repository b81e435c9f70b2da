/**
 * Detection by names under COCO's rules (paper section 5.1, table 2): one question for all names that an image has, or,
 * with `isVocabulary`, for every name of the data set that the annotation says something about.
 *
 * A name may be asked for only if the truth knows about it: present ones always; absent ones where the list is closed,
 * or where the sample says that there is nothing of that name. Categories of which there may be more than are annotated
 * are scored as in LVIS: what finds nothing there is not counted.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { ChatRexError } from '../../errors.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import { measured } from '../figures.ts';
import { DetectionBuffer } from '../metrics/detection-columns.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { LvisCap, LvisFrequency } from '../metrics/lvis.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import type { GroundTruthBox } from '../metrics/records.ts';
import type { Row, RowKey } from '../row.ts';
import type { SampleView } from '../sample-view.ts';
import type { Detects, FoundBoxes } from '../subject.ts';
import type { Suite, SuiteFigures } from '../suite.ts';
import { scoreCoco, scoreLvis } from '../suites/detection.ts';
import type { DetectionTruth } from '../suites/detection-files.ts';
import type { Figures } from '../suites/suite-score.ts';
import { imageIdsOf, wholeXywh } from './coco-records.ts';
import { faultNotes } from './notes.ts';

export interface CocoSuiteOptions {
  /** Whose figures are given: COCO's by default, or LVIS's. */
  readonly rule?: 'coco' | 'lvis';
  /** With the rule of LVIS: how many detections count; the official way by default. */
  readonly cap?: LvisCap;
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
  /** LVIS: how frequent each name is in the training images. */
  readonly frequency?: Readonly<Record<string, LvisFrequency>>;
}

export type DetectionRow = Row<DetectionQuestion, FoundBoxes>;

const vocabularyNamesPerQuestion = 8;

/**
 * @example const suite = cocoSuite({ isVocabulary: true });
 *   await runSuite({ suite, data, open: async () => new ModelSubject(model), store });
 */
export function cocoSuite(options: CocoSuiteOptions = {}): Suite<Detects, DetectionQuestion, FoundBoxes> {
  const { isVocabulary = false, namesPerQuestion, rule = 'coco', cap } = options;
  const most = namesPerQuestion ?? (isVocabulary ? vocabularyNamesPerQuestion : Number.POSITIVE_INFINITY);
  return {
    name: rule,
    needs: ['images', 'boxes', 'categories'],
    questions: async (view) => {
      if (view.sample.image === undefined) return [];
      const names = namesToAsk(view, isVocabulary);
      const size = await view.size();
      return chunks(names, most).map((asked) => ({
        key: asked.join('; '),
        truth: truthOf(view, asked, size),
        ask: (subject, signal) => subject.detect(view, asked, signal),
      }));
    },
    score: (rows) => (rule === 'coco' ? scoreDetections(rows) : scoreLvisDetections(rows, cap)),
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

function truthOf({ sample, data }: SampleView, names: readonly string[], size: ImageSize): DetectionQuestion {
  const { regions, coverage } = sample;
  const asked = new Set(names);
  const boxes = regions.flatMap(({ category, boxXyxy, areaPixels, isIgnored }) => {
    if (category === undefined || !asked.has(category)) return [];
    const area = areaPixels === undefined ? {} : { area: areaPixels };
    return [{ name: category, boxXyxy, ...area, ...(isIgnored && { isCrowd: true }) }];
  });
  const partial = (coverage.partialCategories ?? []).filter((name) => asked.has(name));
  const frequency = Object.fromEntries(
    data.vocabulary.flatMap((entry) =>
      entry.frequency && asked.has(entry.name) ? [[entry.name, entry.frequency]] : [],
    ),
  );
  return {
    ...{ names, size, boxes },
    ...(partial.length > 0 && { partial }),
    ...(Object.keys(frequency).length > 0 && { frequency }),
  };
}

/** Figures of table 2 by the rules of `chatrex score coco`, on what was asked. */
export function scoreDetections(rows: readonly DetectionRow[]): SuiteFigures {
  const { truth, answers, notes } = detectionTables(rows);
  // Only names that were asked for are in the answers, so that none is left out for its image.
  const { figures, byKind, byCategory, variant } = scoreCoco(truth, answers, { hasAllCategories: true });
  return { figures: withoutMinusOne(figures), byKind, byCategory, variant, notes };
}

/**
 * Figures of table 2 by the rules of `chatrex score lvis`: names that were asked for and have no box are absent.
 * @throws ChatRexError 'invalid-argument' for data without frequencies
 */
export function scoreLvisDetections(rows: readonly DetectionRow[], cap?: LvisCap): SuiteFigures {
  const { truth, answers, notes } = detectionTables(rows, true);
  const without = truth.categories.find(({ frequency }) => frequency === undefined);
  if (without) {
    const message = `lvis: the data set does not say how frequent '${without.name}' is`;
    throw new ChatRexError('invalid-argument', `${message}; give LVIS, or measure with coco`);
  }
  const { figures, byKind, byCategory, variant } = scoreLvis(truth, answers, cap, { hasAllCategories: true });
  return { figures: withoutMinusOne(figures), byKind, byCategory, variant, notes };
}

const withoutMinusOne = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value === null ? null : measured(value)]));

/** Rows as the truth and the answers of a file of results; a category's id is its place among all names, sorted. */
export function detectionTables(rows: readonly DetectionRow[], isFederated = false) {
  const asked = rows.flatMap((row) => (row.truth === undefined ? [] : [{ ...row, truth: row.truth }]));
  const names = [...new Set(asked.flatMap(({ truth }) => truth.names))].sort();
  const idOf = new Map(names.map((name, id) => [name, id]));
  const imageIdOf = imageIdsOf(rows);
  const imageIds = [...new Set(asked.map(imageIdOf))].sort((a, b) => a - b);
  const imageAt = new Map(imageIds.map((id, at) => [id, at]));
  const truths = asked.flatMap((row) => truthRecords(row.truth, imageIdOf(row), idOf, isFederated));
  const frequencies = new Map(asked.flatMap(({ truth }) => Object.entries(truth.frequency ?? {})));
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
    images: isFederated ? federatedImages(imageIds, asked, imageIdOf, idOf) : imageIds.map((id) => ({ id })),
    categories: names.map((name, id) => ({ id, name, frequency: frequencies.get(name) })),
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

/** What LVIS knows of each image beside its boxes: names that are certainly absent, and those annotated in part. */
function federatedImages(
  imageIds: readonly number[],
  asked: readonly (RowKey & { readonly truth: DetectionQuestion })[],
  imageIdOf: (row: RowKey) => number,
  idOf: ReadonlyMap<string, number>,
): DetectionTruth['images'] {
  const byImage = groupBy(asked, imageIdOf);
  return imageIds.map((id) => {
    const own = (byImage.get(id) ?? []).map(({ truth }) => truth);
    const present = new Set(own.flatMap(({ boxes }) => boxes.map(({ name }) => name)));
    const absent = own.flatMap(({ names }) => names.filter((name) => !present.has(name)));
    const partial = own.flatMap((truth) => truth.partial ?? []);
    return {
      id,
      negativeIds: absent.map((name) => idOf.get(name)!),
      partialIds: partial.map((name) => idOf.get(name)!),
    };
  });
}

function truthRecords(
  truth: DetectionQuestion,
  imageId: number,
  idOf: ReadonlyMap<string, number>,
  isFederated: boolean,
): GroundTruthBox[] {
  const boxes = truth.boxes.map(({ name, boxXyxy, ...rest }) => {
    return { imageId, categoryId: idOf.get(name)!, boxXywh: wholeXywh(boxXyxy), ...rest };
  });
  // Whatever finds nothing lies in this crowd, which makes it uncounted: the rule of LVIS.
  const { width, height } = truth.size;
  const crowds = (isFederated ? [] : (truth.partial ?? [])).map((name) => {
    return { imageId, categoryId: idOf.get(name)!, boxXywh: [0, 0, width, height] as const, isCrowd: true };
  });
  return [...boxes, ...crowds];
}

function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  const parts: Item[][] = [];
  for (let from = 0; from < items.length; from += most) parts.push(items.slice(from, from + most));
  return parts;
}
