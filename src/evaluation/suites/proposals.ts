/**
 * Proposals (table 6): class-agnostic AP and average recall by COCO's rules, and recall of the proposals that score at
 * least .3. The paper does not say at which overlap table 6 counts; here it is IoU .5, as is the recall of all 100.
 */

import { ChatRexError } from '../../errors.ts';
import { evaluateCoco } from '../metrics/coco.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { DetectedBox } from '../metrics/records.ts';
import { misfit } from './answer-fields.ts';
import { boxList } from './box-fields.ts';
import type { DetectionTruth } from './detection-files.ts';
import type { RecordFile } from './record-files.ts';
import { counted, type Figures, type SuiteScore } from './suite-score.ts';

export interface ProposalAnswers {
  /** fine, coarse, both, or the name of the file. */
  readonly kind: string;
  readonly proposals: readonly Omit<DetectedBox, 'categoryId'>[];
  /** Proposals for images that the truth does not have. */
  readonly unknown: number;
  /** Lines of an image that had one before, which were left out; 0 by default. */
  readonly repeated?: number;
}

export const defaultMinScore = 0.3;

/** Lines of `chatrex propose --json`: `{ image, granularity, boxes, scores }`, boxes in pixels, images by file name. */
export function proposalLines(file: RecordFile, { images }: DetectionTruth): ProposalAnswers[] {
  const idOf = new Map(images.map(({ id, fileName }) => [fileName ?? String(id), id]));
  const seen = new Set<string>();
  const lines = file.records.map((record, i) => {
    const boxes = boxList(record.boxes);
    const { image, scores } = record;
    if (typeof image !== 'string' || !boxes || !Array.isArray(scores) || scores.length !== boxes.length) {
      throw misfit(file, i, 'image, boxes and as many scores (chatrex propose --json)', 'proposals');
    }
    const imageId = idOf.get(image.split(/[\\/]/).at(-1) ?? image);
    const kind = typeof record.granularity === 'string' ? record.granularity : 'all';
    const isRepeated = imageId !== undefined && seen.has(`${kind} ${imageId}`);
    seen.add(`${kind} ${imageId}`);
    const proposals = boxes.map((box, at) => ({
      imageId: imageId ?? Number.NaN,
      boxXywh: [box[0], box[1], box[2] - box[0], box[3] - box[1]] as const,
      score: Number(scores[at]),
    }));
    return {
      kind,
      proposals: imageId === undefined || isRepeated ? [] : proposals,
      unknown: imageId === undefined ? boxes.length : 0,
      repeated: isRepeated ? 1 : 0,
    };
  });
  return [...groupBy(lines, ({ kind }) => kind)].map(([kind, own]) => ({
    kind,
    proposals: own.flatMap(({ proposals }) => proposals),
    unknown: own.reduce((sum, { unknown }) => sum + unknown, 0),
    repeated: own.reduce((sum, { repeated }) => sum + repeated, 0),
  }));
}

/**
 * `AP`, `AP50`, `AR1`, `AR10`, `AR100` as pycocotools with `useCats = 0`; `recallAtScore` of the proposals that score
 * at least `minScore`, `recallAtIou50` of all, both at IoU .5 with 100 an image. Of several kinds the figures are those
 * of `both`.
 */
export function scoreProposals(
  truth: DetectionTruth,
  answers: readonly ProposalAnswers[],
  minScore = defaultMinScore,
): SuiteScore {
  const unknown = answers.reduce((sum, own) => sum + own.unknown, 0);
  const repeated = answers.reduce((sum, own) => sum + (own.repeated ?? 0), 0);
  if (unknown > 0 && answers.every(({ proposals }) => proposals.length === 0)) {
    const message = 'no proposal is of an image of the truth; give the truth of the same images';
    throw new ChatRexError('invalid-file', message);
  }
  const byKind = Object.fromEntries(answers.map((own) => [own.kind, figuresOf(truth, own, minScore)]));
  const main = 'both' in byKind ? 'both' : (answers[0]?.kind ?? 'all');
  const answered = new Set(answers.flatMap(({ proposals }) => proposals.map(({ imageId }) => imageId))).size;
  const missing = truth.images.length - answered;
  return {
    suite: 'proposals',
    figures: byKind[main] ?? {},
    byKind: answers.length > 1 ? byKind : {},
    variant: {
      AP: 'class-agnostic (pycocotools with useCats = 0), 100 proposals of an image',
      recallAtScore: `proposals that score at least ${minScore}, at IoU .5 (table 6 does not say which overlap)`,
      ...(answers.length > 1 ? { figures: `of ${main}` } : {}),
    },
    counts: { samples: truth.images.length, answered, missing, repeated, unknown },
    notes: [
      ...(missing > 0 ? [`${counted(missing, 'image')} without any proposal`] : []),
      ...(repeated > 0 ? [`${counted(repeated, 'answer')} to an image that was answered before left out`] : []),
      ...(unknown > 0 ? [`${counted(unknown, 'proposal')} of unknown images left out`] : []),
    ],
  };
}

function figuresOf(truth: DetectionTruth, { proposals }: ProposalAnswers, minScore: number): Figures {
  const [{ id: categoryId }] = truth.categories;
  const options = {
    imageIds: truth.images.map(({ id }) => id),
    categoryIds: truth.categories.map(({ id }) => id),
    isClassAgnostic: true,
  };
  const scored = (least: number) =>
    evaluateCoco(
      truth.truths,
      proposals.filter(({ score }) => score >= least).map((proposal) => ({ ...proposal, categoryId })),
      options,
    ).metrics;
  const { AP, AP50, AR1, AR10, AR100, AR100At50, APs, APm, APl, ARs, ARm, ARl } = scored(Number.NEGATIVE_INFINITY);
  return {
    ...{ AP, AP50, AR1, AR10, AR100 },
    recallAtScore: scored(minScore).AR100At50,
    recallAtIou50: AR100At50,
    ...{ APs, APm, APl, ARs, ARm, ARl },
  };
}
