/**
 * What the proposal network finds of a scene, whatever it is: COCO's class-agnostic figures for one granularity, and
 * how much of everything is among the boxes that the language model gets (paper section 5, recall of UPN).
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxToXywh } from '../../boxes/convert.ts';
import { measured } from '../../evaluation/figures.ts';
import { evaluateCoco } from '../../evaluation/metrics/coco.ts';
import { matchBoxes } from '../../evaluation/metrics/match-boxes.ts';
import type { Figures } from '../../evaluation/suites/suite-score.ts';
import type { Granularity } from '../../proposals/network.ts';
import type { FilterOptions, Proposals } from '../../proposals/post-process.ts';
import type { Scene } from '../scene.ts';
import type { Measure } from './measure.ts';
import { listedBoxes } from './scene-view.ts';

/** What finds boxes in the scene. */
export interface SceneFinder {
  propose(options: FilterOptions & { granularity: Granularity }): Promise<Proposals>;
  /** The boxes of both granularities that the language model gets. */
  chosen(): Promise<Proposals>;
}

/** The objects of a granularity, or all. */
export interface ProposalTruth {
  readonly truthsXyxy: readonly BoxXyxy[];
}

/** The boxes for it. */
export interface ProposalAnswer {
  readonly proposalsXyxy: readonly BoxXyxy[];
  /** One per proposal; any scale. */
  readonly scores: readonly number[];
}

type ProposalMeasure = Measure<SceneFinder, ProposalTruth, ProposalAnswer>;
type ProposalRow = ProposalTruth & ProposalAnswer;

/** For figures that rank all boxes: none is left out for its score. */
const allScores = { minScore: 0, nmsIou: 0.8, maxBoxes: 100 };
const nothing: ProposalAnswer = { proposalsXyxy: [], scores: [] };

export function proposals(granularity: Granularity): ProposalMeasure {
  return {
    questions: async ({ scene }) => [
      {
        truth: truthOf(scene, (object) => (granularity === 'fine' ? object.isFine : object.isCoarse)),
        ask: async (finder) => answerOf(await finder.propose({ ...allScores, granularity })),
      },
    ],
    nothing,
    score: scoreProposals,
  };
}

export const chosenBoxes: ProposalMeasure = {
  questions: async ({ scene }) => [
    { truth: truthOf(scene, () => true), ask: async (finder) => answerOf(await finder.chosen()) },
  ],
  nothing,
  score: scoreChosenBoxes,
};

/** Average precision and recall of the best 100 boxes per scene, over IoU .5 to .95 and at .5. */
export function scoreProposals(rows: readonly ProposalRow[]): Figures {
  const truths = rows.flatMap(({ truthsXyxy }, imageId) => truthsXyxy.map((box) => toRecord(imageId, box)));
  const detections = rows.flatMap(({ proposalsXyxy, scores }, imageId) =>
    proposalsXyxy.map((box, i) => ({ ...toRecord(imageId, box), score: scores[i] })),
  );
  const { AP, AP50, AR100At50, AR100 } = evaluateCoco(truths, detections, {
    imageIds: [...rows.keys()],
    isClassAgnostic: true,
  }).metrics;
  return {
    AP: measured(AP),
    AP50: measured(AP50),
    'AR@100 at IoU .5': measured(AR100At50),
    'AR@100': measured(AR100),
  };
}

/** Recall at IoU .5 of boxes that were already chosen by score, and how many they are. */
export function scoreChosenBoxes(rows: readonly ProposalRow[]): Figures {
  let truths = 0;
  let found = 0;
  let boxes = 0;
  for (const { truthsXyxy, proposalsXyxy } of rows) {
    truths += truthsXyxy.length;
    found += matchBoxes(proposalsXyxy, truthsXyxy).length;
    boxes += proposalsXyxy.length;
  }
  return {
    'recall at IoU .5': truths === 0 ? null : found / truths,
    'boxes per scene': rows.length === 0 ? null : boxes / rows.length,
  };
}

function truthOf({ objects }: Scene, isMeant: (object: Scene['objects'][number]) => boolean): ProposalTruth {
  return { truthsXyxy: objects.filter(isMeant).map(({ boxXyxy }) => boxXyxy) };
}

function answerOf({ boxesXyxy, scores }: Proposals): ProposalAnswer {
  return { proposalsXyxy: listedBoxes(boxesXyxy, [...scores.keys()]), scores: [...scores] };
}

function toRecord(imageId: number, boxXyxy: BoxXyxy) {
  return { imageId, categoryId: 1, boxXywh: boxToXywh(boxXyxy) };
}
