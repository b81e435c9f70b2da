/** Which measures a task has, and which of them a model can be asked for. */

import { captions } from './captions.ts';
import { counting } from './counting.ts';
import { detection } from './detection.ts';
import { type Measure, type RunningMeasure, startMeasure } from './measure.ts';
import type { WorldModel } from './model.ts';
import { chosenBoxes, proposals, type SceneProposals } from './proposals.ts';
import { questionAnswering } from './question-answering.ts';
import { referring } from './referring.ts';
import { regionCategory } from './region-category.ts';
import type { SceneView } from './scene-view.ts';

export const evaluatedTasks = [
  'upn',
  'detection',
  'referring',
  'region-category',
  'counting',
  'brief-caption',
  'detailed-caption',
  'region-qa',
  'conversation',
] as const;
export type EvaluatedTask = (typeof evaluatedTasks)[number];

/** Boxes that the language model speaks about: proposals, or the objects of the scene. */
export type BoxSource = 'upn boxes' | 'true boxes';

/** One task for one granularity or with one kind of boxes. */
export type PlannedMeasure =
  | {
      task: EvaluatedTask;
      variant: 'fine' | 'coarse' | 'both';
      of: 'proposals';
      running: RunningMeasure<SceneProposals>;
    }
  | { task: EvaluatedTask; variant: BoxSource; of: 'answers'; running: RunningMeasure<SceneView> };

export function planTask(task: EvaluatedTask): PlannedMeasure[] {
  switch (task) {
    case 'upn':
      return [
        { task, variant: 'fine', of: 'proposals', running: startMeasure(proposals('fine')) },
        { task, variant: 'coarse', of: 'proposals', running: startMeasure(proposals('coarse')) },
        { task, variant: 'both', of: 'proposals', running: startMeasure(chosenBoxes) },
      ];
    case 'detection':
      return answers(task, detection, ['upn boxes', 'true boxes']);
    case 'referring':
      return answers(task, referring, ['upn boxes', 'true boxes']);
    case 'counting':
      return answers(task, counting, ['upn boxes', 'true boxes']);
    case 'brief-caption':
    case 'detailed-caption':
      return answers(task, captions(task), ['upn boxes', 'true boxes']);
    case 'region-category':
      return answers(task, regionCategory, ['true boxes']);
    case 'region-qa':
    case 'conversation':
      return answers(task, questionAnswering(task), ['true boxes']);
  }
}

/** Why a model cannot be asked for a measure; null when it can. */
export function reasonToSkip({ upn, chatrex }: WorldModel, { of, variant }: PlannedMeasure): string | null {
  if (of === 'answers' && !chatrex) return 'the model folder has no language model (config.json and weights)';
  if (variant !== 'true boxes' && !upn) return 'the model folder has no proposal network (upn/)';
  return null;
}

function answers<Row>(
  task: EvaluatedTask,
  measure: Measure<SceneView, Row>,
  variants: readonly BoxSource[],
): PlannedMeasure[] {
  return variants.map((variant) => ({ task, variant, of: 'answers', running: startMeasure(measure) }));
}
