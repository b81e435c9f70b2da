/**
 * Detection on COCO and LVIS (table 2) and proposals (table 6): figures of detections with scores by the official
 * rules, and precision and recall of detections as if they had none.
 */

import type { BoxXywh } from '../../boxes/box.ts';
import { evaluateCoco } from '../metrics/coco.ts';
import { tabulateTruths } from '../metrics/coco-table.ts';
import { type DetectionColumns, tableOf } from '../metrics/detection-columns.ts';
import { annotatedPairs, evaluateLvis, FIXED_PER_CATEGORY, type LvisCap, lvisTruthTable } from '../metrics/lvis.ts';
import type { DetectedBox } from '../metrics/records.ts';
import { type ClassPoints, type UnrankedPrecision, unrankedPrecision } from '../metrics/unranked-precision.ts';
import { type DetectionTruth, lvisTruth } from './detection-files.ts';
import { counted, type Figures, type SuiteScore } from './suite-score.ts';

export interface DetectionAnswers {
  readonly columns: DetectionColumns;
  readonly unknownImages: number;
  readonly unknownCategories: number;
  /** Answers to a question that was answered before, which were left out; 0 by default. */
  readonly repeated?: number;
}

export interface UnrankedOptions {
  /** Whether predictions of categories that the image does not have count too; the authors leave them out. */
  readonly hasAllCategories?: boolean;
}

/** COCO of each image and category; of the unranked figures too. */
const COCO_PER_IMAGE = 100;

/** Every rule of table 2 on COCO: pycocotools' twelve numbers, and precision and recall without scores. */
export function scoreCoco(truth: DetectionTruth, answers: DetectionAnswers, options: UnrankedOptions = {}): SuiteScore {
  const { metrics, byCategory: curves } = evaluateCoco(truth.truths, recordsOf(truth, answers.columns), scopeOf(truth));
  const { AR1At50: _1, AR10At50: _10, AR100At50: _100, ...twelve } = metrics;
  const truths = tabulateTruths(truth.truths, { ...scopeOf(truth), isClassAgnostic: false });
  const unranked = unrankedPrecision(
    truths,
    tableOf(
      answers.columns,
      rowsToName(truth, answers.columns, options),
      truth.images.length,
      truth.categories.length,
      false,
    ),
    truth.categories.length,
    { mostPerImage: COCO_PER_IMAGE },
  );
  const byCategory = Object.fromEntries(
    truth.categories.flatMap(({ id, name }, g) => {
      const points = unranked.byClass[g];
      const { AP = -1, AP50 = -1 } = curves.get(id) ?? {};
      return points ? [[name, { AP, AP50, ...pointsAt50(points) }] as const] : [];
    }),
  );
  return {
    suite: 'coco',
    figures: { ...twelve, ...flat(unranked.figures) },
    byKind: published(unranked.figures),
    byCategory,
    variant: {
      AP: 'pycocotools; 100 detections of an image and category',
      ...unrankedVariant(options),
    },
    ...countsOf(truth, answers),
  };
}

/** LVIS by its own rules: `official` 300 detections an image, or `fixed` so many a class. */
export function scoreLvis(
  truth: DetectionTruth,
  answers: DetectionAnswers,
  cap: LvisCap = { kind: 'official' },
  options: UnrankedOptions = {},
): SuiteScore {
  const lvis = lvisTruth(truth);
  const { metrics, byCategory: averages } = evaluateLvis(lvis, answers.columns, cap);
  const width = truth.categories.length;
  const known = annotatedPairs(lvis);
  const rows = rowsToName(truth, answers.columns, options).filter((row) => {
    const pair = known[answers.columns.image[row] * width + answers.columns.category[row]];
    return (pair & 0b011) !== 0;
  });
  const unranked = unrankedPrecision(
    lvisTruthTable(lvis),
    tableOf(answers.columns, rows, truth.images.length, width, false),
    width,
    { isPartial: (group, image) => (known[image * width + group] & 0b100) !== 0 },
  );
  const byCategory = Object.fromEntries(
    truth.categories.flatMap(({ id, name }, g) => {
      const points = unranked.byClass[g];
      return points ? [[name, { AP: averages.get(id) ?? -1, ...pointsAt50(points) }] as const] : [];
    }),
  );
  const capped =
    cap.kind === 'official'
      ? 'official: the best 300 detections of an image (package lvis)'
      : `fixed: the best ${cap.perCategory} detections of a class, no cap of an image (GLIP, T-Rex2, the paper on minival)`;
  return {
    suite: 'lvis',
    figures: { ...metrics, ...flat(unranked.figures) },
    byKind: published(unranked.figures),
    byCategory,
    variant: { AP: capped, ...unrankedVariant(options) },
    ...countsOf(truth, answers),
  };
}

export const fixedCap = (perCategory = FIXED_PER_CATEGORY): LvisCap => ({ kind: 'fixed', perCategory });

/** Detections that take part without scores: by default those of categories that the image has. */
function rowsToName(
  truth: DetectionTruth,
  columns: DetectionColumns,
  { hasAllCategories }: UnrankedOptions,
): Uint32Array {
  const all = Uint32Array.from({ length: columns.count }, (_, row) => row);
  if (hasAllCategories) return all;
  const width = truth.categories.length;
  const imageAt = new Map(truth.images.map(({ id }, i) => [id, i]));
  const categoryAt = new Map(truth.categories.map(({ id }, i) => [id, i]));
  const present = new Set<number>();
  const hasAny = new Uint8Array(truth.images.length);
  for (const { imageId, categoryId } of truth.truths) {
    const [image, category] = [imageAt.get(imageId), categoryAt.get(categoryId)];
    if (image === undefined || category === undefined) continue;
    present.add(image * width + category);
    hasAny[image] = 1;
  }
  // An image without any annotation keeps its predictions, as in the authors' script.
  return all.filter(
    (row) => !hasAny[columns.image[row]] || present.has(columns.image[row] * width + columns.category[row]),
  );
}

function unrankedVariant({ hasAllCategories }: UnrankedOptions): Record<string, string> {
  const which = hasAllCategories
    ? 'all predictions'
    : 'predictions of categories that the image has (--all-categories: all)';
  return {
    precision50: `without scores, ${which}; precision is the last point of the curve (Rex-Omni), mean over all classes`,
    WithoutZeros: 'classes with a zero left out of the mean, as the authors do',
    'as published': 'what the authors’ program prints: a class without a hit repeats the precision of the one before',
  };
}

const flat = ({ asPublished: _, ...figures }: UnrankedPrecision): Figures => figures;

const published = ({ asPublished }: UnrankedPrecision): Record<string, Figures> => ({
  'as published (Rex-Omni)': { ...asPublished },
});

const pointsAt50 = ({ precisions, recalls }: ClassPoints): Figures => ({
  precision50: precisions[0],
  recall50: recalls[0],
});

export const scopeOf = ({ images, categories }: DetectionTruth) => ({
  imageIds: images.map(({ id }) => id),
  categoryIds: categories.map(({ id }) => id),
});

/** Detections one by one; of no category (class-agnostic files) the first of the truth. */
export function recordsOf({ images, categories }: DetectionTruth, columns: DetectionColumns): DetectedBox[] {
  return Array.from(columns.score, (score, i) => ({
    imageId: images[columns.image[i]].id,
    categoryId: categories[columns.category[i]].id,
    boxXywh: Array.from(columns.boxesXywh.subarray(4 * i, 4 * i + 4)) as unknown as BoxXywh,
    score,
  }));
}

export function countsOf(
  { images }: DetectionTruth,
  { columns, unknownImages, unknownCategories, repeated = 0 }: DetectionAnswers,
): Pick<SuiteScore, 'counts' | 'notes'> {
  const answered = new Set(columns.image).size;
  const missing = images.length - answered;
  return {
    counts: { samples: images.length, answered, missing, repeated, unknown: unknownImages + unknownCategories },
    notes: [
      ...(missing > 0 ? [`${counted(missing, 'image')} without any detection`] : []),
      ...(repeated > 0 ? [`${counted(repeated, 'answer')} to an image that was answered before left out`] : []),
      ...(unknownImages > 0 ? [`${counted(unknownImages, 'detection')} of unknown images left out`] : []),
      ...(unknownCategories > 0 ? [`${counted(unknownCategories, 'detection')} of unknown categories left out`] : []),
    ],
  };
}
