/**
 * What the proposal network finds of a scene, whatever it is: COCO's class-agnostic figures for one granularity, and how
 * much of everything is among the boxes that the language model gets (paper section 5, recall of UPN).
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxToXywh } from '../../boxes/convert.ts';
import type { Granularity } from '../../proposals/network.ts';
import type { Proposals } from '../../proposals/post-process.ts';
import type { Scene } from '../../world/scene.ts';
import { evaluateCoco } from '../metrics/coco.ts';
import { matchBoxes } from '../metrics/match-boxes.ts';
import { type Figures, type Measure, measured } from './measure.ts';
import type { WorldModel } from './model.ts';
import { listedBoxes } from './scene-view.ts';

/** A scene and what is found of it. */
export interface SceneProposals {
  readonly scene: Scene;
  readonly upn: NonNullable<WorldModel['upn']>;
  /** The boxes of both granularities that the language model gets. */
  readonly chosen: Proposals;
}

/** One scene: the objects of a granularity, and the boxes for it. */
export interface ProposalRow {
  readonly truthsXyxy: readonly BoxXyxy[];
  readonly proposalsXyxy: readonly BoxXyxy[];
  /** One per proposal; any scale. */
  readonly scores: ArrayLike<number>;
}

/** For figures that rank all boxes: none is left out for its score. */
const allScores = { minScore: 0, nmsIou: 0.8, maxBoxes: 100 };

export function proposals(granularity: Granularity): Measure<SceneProposals, ProposalRow> {
  return {
    observe: async ({ scene, upn }) => {
      const [found] = await upn.propose([scene.image], { ...allScores, granularity });
      return [proposalRow(scene, found, (object) => (granularity === 'fine' ? object.isFine : object.isCoarse))];
    },
    score: scoreProposals,
  };
}

export const chosenBoxes: Measure<SceneProposals, ProposalRow> = {
  observe: ({ scene, chosen }) => [proposalRow(scene, chosen, () => true)],
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

function proposalRow(
  { objects }: Scene,
  { boxesXyxy, scores }: Proposals,
  isMeant: (object: Scene['objects'][number]) => boolean,
): ProposalRow {
  return {
    truthsXyxy: objects.filter(isMeant).map(({ boxXyxy }) => boxXyxy),
    proposalsXyxy: listedBoxes(boxesXyxy, [...scores.keys()]),
    scores,
  };
}

function toRecord(imageId: number, boxXyxy: BoxXyxy) {
  return { imageId, categoryId: 1, boxXywh: boxToXywh(boxXyxy) };
}
