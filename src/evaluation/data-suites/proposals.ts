/**
 * What a proposal network finds of anything that is annotated: COCO's class-agnostic figures for each prompt and for
 * both together (paper section 5.4, table 6). Nothing is left out for its score when boxes are ranked; `recallAtScore`
 * is the recall of the boxes from .3 on, which is what the language model gets.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import type { Granularity } from '../../proposals/network.ts';
import { measured } from '../figures.ts';
import { evaluateCoco } from '../metrics/coco.ts';
import type { DetectedBox, GroundTruthBox } from '../metrics/records.ts';
import type { Row } from '../row.ts';
import type { FindsProposals } from '../subject.ts';
import type { Question, Suite } from '../suite.ts';
import type { Figures } from '../suites/suite-score.ts';
import { imageIdsOf, wholeXywh } from './coco-records.ts';
import { faultNotes } from './notes.ts';

export const granularities = ['fine', 'coarse', 'both'] as const;
export type ProposalKind = (typeof granularities)[number];

export interface ProposalTruth {
  readonly granularity: ProposalKind;
  /** Of the prompt; of any prompt where the annotation knows nothing of this one. */
  readonly boxes: readonly { readonly boxXyxy: BoxXyxy; readonly area?: number; readonly isCrowd?: boolean }[];
  /** Whether what has no box is background for this prompt: only then is a box beside the truths wrong. */
  readonly isComplete: boolean;
}

export interface ProposalAnswer {
  readonly boxesXyxy: readonly BoxXyxy[];
  readonly scores: readonly number[];
  /** Whether the network does not know this prompt. */
  readonly isUnknown?: boolean;
}

/** The score of `recallAtScore`, that of table 6. */
const leastScore = 0.3;
/** Whose figures stand for the suite: the first that has an AP. */
const preference: readonly string[] = ['both', 'coarse', 'fine'];
/** Doubles are what the network takes for such. */
const allScores = { minScore: 0, maxBoxes: 100 };

/**
 * Recall and AP of boxes without names.
 * @param kinds the prompts to measure; all three by default
 * @example const suite = proposalsSuite(['coarse']);
 *   await evaluate({ suite, data, open: async () => new ModelSubject({ upn }), model });
 */
export function proposalsSuite(
  kinds: readonly ProposalKind[] = granularities,
): Suite<FindsProposals, ProposalTruth, ProposalAnswer> {
  return {
    name: 'proposals',
    needs: ['images', 'boxes'],
    questions: async (view) => {
      if (view.sample.image === undefined) return [];
      return kinds.map(
        (granularity): Question<FindsProposals, ProposalTruth, ProposalAnswer> => ({
          key: granularity,
          truth: truthOf(view.sample, granularity),
          ask: async (subject) => {
            try {
              const { boxesXyxy, scores } = await subject.propose(view, { ...allScores, granularity });
              return { boxesXyxy: boxList(boxesXyxy), scores: [...scores] };
            } catch (error) {
              if (!(error instanceof ChatRexError) || error.code !== 'unsupported') throw error;
              return { boxesXyxy: [], scores: [], isUnknown: true };
            }
          },
        }),
      );
    },
    score: (rows) => {
      const byKind = Object.fromEntries(
        granularities.flatMap((kind) => {
          const own = rows.filter((row) => row.truth?.granularity === kind && !isUnknownTo(row));
          const hasTruth = own.some(({ truth }) => truth?.boxes.some(({ isCrowd }) => !isCrowd));
          return hasTruth ? [[kind, scoreProposals(own)] as const] : [];
        }),
      );
      const [main] = preference.filter((kind) => typeof byKind[kind]?.AP === 'number').concat(Object.keys(byKind));
      return {
        figures: byKind[main] ?? {},
        byKind,
        variant: { figures: `of ${main ?? 'no'} proposals`, recallAtScore: `score >= ${leastScore}, IoU >= .5` },
        notes: [...faultNotes(rows), ...completenessNotes(byKind), ...unknownNotes(rows.filter(isUnknownTo))],
      };
    },
  };
}

/** A network for whole things has no pieces to be measured by. */
const isUnknownTo = (row: Row<ProposalTruth, ProposalAnswer>): boolean =>
  'answer' in row && row.answer.isUnknown === true;

function unknownNotes(rows: readonly Row<ProposalTruth, ProposalAnswer>[]): string[] {
  const kinds = new Set(rows.map(({ truth }) => truth?.granularity));
  return kinds.size === 0 ? [] : [`the network does not know: ${[...kinds].join(', ')}`];
}

/** Regions of a prompt; all regions where the annotation knows nothing of this prompt, for recall alone. */
function truthOf({ regions, coverage }: Sample, granularity: ProposalKind): ProposalTruth {
  const prompts: readonly Granularity[] = granularity === 'both' ? ['fine', 'coarse'] : [granularity];
  const isComplete = prompts.every((prompt) => coverage.complete.includes(prompt));
  const meant = regions.filter((region) => prompts.some((prompt) => region.granularities.includes(prompt)));
  const boxes = (meant.length === 0 && !isComplete ? regions : meant).map(({ boxXyxy, areaPixels, isIgnored }) => ({
    boxXyxy,
    ...(areaPixels !== undefined && { area: areaPixels }),
    ...(isIgnored && { isCrowd: true }),
  }));
  return { granularity, boxes, isComplete };
}

/** AP is of the images whose truth is complete, recall of all. */
export function scoreProposals(rows: readonly Row<ProposalTruth, ProposalAnswer>[]): Figures {
  const complete = rows.filter(({ truth }) => truth?.isComplete);
  const { AR1, AR10, AR100, AR100At50 } = evaluate(rows, 0);
  const { AP, AP50 } = evaluate(complete, 0);
  return {
    AP: measured(AP),
    AP50: measured(AP50),
    AR1: measured(AR1),
    AR10: measured(AR10),
    AR100: measured(AR100),
    recallAtScore: measured(evaluate(rows, leastScore).AR100At50),
    recallAtIou50: measured(AR100At50),
  };
}

function evaluate(rows: readonly Row<ProposalTruth, ProposalAnswer>[], minScore: number) {
  const truths: GroundTruthBox[] = [];
  const detections: DetectedBox[] = [];
  const imageIdOf = imageIdsOf(rows);
  for (const row of rows) {
    const key = { imageId: imageIdOf(row), categoryId: 1 };
    for (const { boxXyxy, ...rest } of row.truth?.boxes ?? []) {
      truths.push({ ...key, boxXywh: wholeXywh(boxXyxy), ...rest });
    }
    if (!('answer' in row)) continue;
    row.answer.boxesXyxy.forEach((box, i) => {
      const score = row.answer.scores[i];
      if (score >= minScore) detections.push({ ...key, boxXywh: wholeXywh(box), score });
    });
  }
  return evaluateCoco(truths, detections, { imageIds: rows.map(imageIdOf), isClassAgnostic: true }).metrics;
}

function completenessNotes(byKind: Readonly<Record<string, Figures>>): string[] {
  const incomplete = Object.keys(byKind).filter((kind) => byKind[kind].AP === null);
  if (incomplete.length === 0) return [];
  return [`no AP for ${incomplete.join(', ')}: the data do not promise a box for everything there is of it`];
}

/** [N, 4] as boxes. */
export function boxList(boxesXyxy: ArrayLike<number>): BoxXyxy[] {
  return Array.from({ length: boxesXyxy.length / 4 }, (_, i) => [
    boxesXyxy[4 * i],
    boxesXyxy[4 * i + 1],
    boxesXyxy[4 * i + 2],
    boxesXyxy[4 * i + 3],
  ]);
}
