/** Which measures a task has, and which of them a model can be asked for. */

import type { EvaluatedModel } from '../../evaluation/model-subject.ts';
import { captions } from './captions.ts';
import { counting } from './counting.ts';
import { detection } from './detection.ts';
import type { Measure } from './measure.ts';
import { chosenBoxes, proposals, type SceneFinder } from './proposals.ts';
import { questionAnswering } from './question-answering.ts';
import { referring } from './referring.ts';
import { regionCategory } from './region-category.ts';
import type { Looked } from './scene-view.ts';

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
      readonly task: EvaluatedTask;
      readonly variant: 'fine' | 'coarse' | 'both';
      readonly of: 'proposals';
      readonly measure: Measure<SceneFinder, object, object>;
    }
  | {
      readonly task: EvaluatedTask;
      readonly variant: BoxSource;
      readonly of: 'answers';
      readonly measure: Measure<Looked, object, object>;
    };

export function planTask(task: EvaluatedTask): PlannedMeasure[] {
  switch (task) {
    case 'upn':
      return [
        { task, variant: 'fine', of: 'proposals', measure: proposals('fine') },
        { task, variant: 'coarse', of: 'proposals', measure: proposals('coarse') },
        { task, variant: 'both', of: 'proposals', measure: chosenBoxes },
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
export function reasonToSkip({ upn, chatrex }: EvaluatedModel, { of, variant }: PlannedMeasure): string | null {
  if (of === 'answers' && !chatrex) return 'the model folder has no language model (config.json and weights)';
  if (variant !== 'true boxes' && !upn) return 'the model folder has no proposal network (upn/)';
  return null;
}

function answers(
  task: EvaluatedTask,
  measure: Measure<Looked, object, object>,
  variants: readonly BoxSource[],
): PlannedMeasure[] {
  return variants.map((variant) => ({ task, variant, of: 'answers', measure }));
}
