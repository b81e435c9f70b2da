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
import { type Figures, measured } from '../figures.ts';
import { evaluateCoco } from '../metrics/coco.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import { evaluateDetection } from '../metrics/precision-recall.ts';
import type { DetectedBox, GroundTruthBox } from '../metrics/records.ts';
import type { Row } from '../row.ts';
import type { SampleView } from '../sample-view.ts';
import type { Detects, FoundBoxes } from '../subject.ts';
import type { Suite } from '../suite.ts';
import { imageIdsOf, wholeXywh } from './coco-records.ts';
import { faultNotes } from './notes.ts';

export interface CocoSuiteOptions {
  /** Whether every name of the vocabulary is asked for, not only those that the image has. */
  readonly isVocabulary?: boolean;
  /** Most names of one question; all by default, 8 with `isVocabulary`. */
  readonly namesPerQuestion?: number;
}

export interface DetectionTruth {
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

export type DetectionRow = Row<DetectionTruth, FoundBoxes>;

const vocabularyNamesPerQuestion = 8;

/** @example runSuite({ suite: cocoSuite({ isVocabulary: true }), data, open: async () => new ModelSubject(model), store }) */
export function cocoSuite({
  isVocabulary = false,
  namesPerQuestion,
}: CocoSuiteOptions = {}): Suite<Detects, DetectionTruth, FoundBoxes> {
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

function truthOf({ regions, coverage }: Sample, names: readonly string[], size: ImageSize): DetectionTruth {
  const asked = new Set(names);
  const boxes = regions.flatMap(({ category, boxXyxy, areaPixels, isIgnored }) => {
    if (category === undefined || !asked.has(category)) return [];
    const area = areaPixels === undefined ? {} : { area: areaPixels };
    return [{ name: category, boxXyxy, ...area, ...(isIgnored && { isCrowd: true }) }];
  });
  const partial = (coverage.partialCategories ?? []).filter((name) => asked.has(name));
  return { names, size, boxes, ...(partial.length > 0 && { partial }) };
}

/** Figures of table 2: COCO's twelve, and precision and recall at IoU .5 with and without classes that have a zero. */
export function scoreDetections(rows: readonly DetectionRow[]) {
  const { truths, detections, imageIds, categoryIds, strays, malformed, cut, names } = toRecords(rows);
  const { metrics, byCategory } = evaluateCoco(truths, detections, { imageIds, categoryIds });
  const found = evaluateDetection(truths, detections, { imageIds, categoryIds });
  const classes = [...found.byCategory.values()];
  const withoutZeros = (key: 'precision' | 'recall') => {
    const values = classes.map((own) => own[key]).filter((value) => value > 0);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const { AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl } = metrics;
  const twelve = { AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl };
  const figures: Figures = {
    ...Object.fromEntries(Object.entries(twelve).map(([name, value]) => [name, measured(value)])),
    precision50: measured(found.precision),
    recall50: measured(found.recall),
    precision50WithoutZeros: withoutZeros('precision'),
    recall50WithoutZeros: withoutZeros('recall'),
  };
  const byKind = Object.fromEntries(
    categoryIds.flatMap((id) => {
      const own = found.byCategory.get(id);
      if (own === undefined) return [];
      const ap = byCategory.get(id);
      return [[names[id], { AP: measured(ap?.AP ?? -1), AP50: measured(ap?.AP50 ?? -1), ...own }] as const];
    }),
  );
  const many = (count: number, text: string) => (count === 0 ? [] : [`${count} ${text}`]);
  return {
    figures,
    byKind,
    variant: {
      precision50: 'mean over all classes with an object; a class without a prediction has 0',
      precision50WithoutZeros: 'classes with a zero left out of the mean (the authors’ scripts)',
    },
    notes: [
      ...faultNotes(rows),
      ...many(strays, 'boxes had a name that was not asked for: left out'),
      ...many(malformed, 'objects of answers could not be read: left out'),
      ...many(cut, 'answers were cut for their length or for repeating themselves'),
    ],
  };
}

/** Rows as records of COCO's evaluation; a category's id is its place among all names, sorted. */
export function toRecords(rows: readonly DetectionRow[]) {
  const names = [...new Set(rows.flatMap(({ truth }) => truth?.names ?? []))].sort();
  const idOf = new Map(names.map((name, id) => [name, id]));
  const truths: GroundTruthBox[] = [];
  const detections: DetectedBox[] = [];
  const imageIds = new Set<number>();
  const imageIdOf = imageIdsOf(rows);
  let [strays, malformed, cut] = [0, 0, 0];
  for (const row of rows) {
    const { truth } = row;
    if (truth === undefined) continue;
    const imageId = imageIdOf(row);
    imageIds.add(imageId);
    for (const { name, boxXyxy, ...rest } of truth.boxes) {
      truths.push({ imageId, categoryId: idOf.get(name)!, boxXywh: wholeXywh(boxXyxy), ...rest });
    }
    // Whatever finds nothing lies in this crowd, which makes it uncounted: the rule of LVIS.
    for (const name of truth.partial ?? []) {
      const boxXywh = [0, 0, truth.size.width, truth.size.height] as const;
      truths.push({ imageId, categoryId: idOf.get(name)!, boxXywh, isCrowd: true });
    }
    if (!('answer' in row)) continue;
    const asked = new Map(truth.names.map((name) => [normalizePhrase(name), idOf.get(name)!]));
    for (const { label, boxXyxy, score } of row.answer.boxes) {
      const categoryId = asked.get(normalizePhrase(label));
      if (categoryId === undefined) strays++;
      else detections.push({ imageId, categoryId, boxXywh: wholeXywh(boxXyxy), score });
    }
    malformed += row.answer.malformed ?? 0;
    if (row.answer.isCut) cut++;
  }
  const categoryIds = names.map((_, id) => id);
  return { truths, detections, imageIds: [...imageIds], categoryIds, names, strays, malformed, cut };
}

function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  const parts: Item[][] = [];
  for (let from = 0; from < items.length; from += most) parts.push(items.slice(from, from + most));
  return parts;
}
