/**
 * A model on fresh scenes of RexWorld: proposals, detection, referring, region categories, counting, captions, questions
 * (paper section 5, with the world in the place of COCO, LVIS, RefCOCO and the rest).
 *
 * Same model, seed and options, same figures. The language model gets boxes twice: the proposals of both granularities
 * together, and all objects of the scene in random order.
 */

import { ChatRexError } from '../../errors.ts';
import type { Phrasings } from '../../prompt/phrasings.ts';
import { renderScene, type Scene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import type { Figures } from './measure.ts';
import type { WorldModel } from './model.ts';
import {
  type BoxSource,
  type EvaluatedTask,
  evaluatedTasks,
  type PlannedMeasure,
  planTask,
  reasonToSkip,
} from './plan.ts';
import { type SceneView, trueBoxList } from './scene-view.ts';

export interface WorldEvaluationOptions {
  readonly seed: number;
  /** Scenes. */
  readonly count: number;
  /** All by default. */
  readonly tasks?: readonly EvaluatedTask[];
  /** Held-out wordings by default. */
  readonly phrasings?: Phrasings;
  /** Questions per scene and task; 2 by default. Detection asks for every category, captions are one per scene. */
  readonly questions?: number;
  /** Tokens of an answer at most; 256 by default. */
  readonly maxTokens?: number;
  /** Least score of proposals that the language model gets; the model's own by default. */
  readonly minScore?: number;
  readonly onProgress?: (done: number) => void;
  /** Ends the evaluation after the scene under way; the report is of the scenes done. */
  readonly signal?: AbortSignal;
}

export const worldEvaluationDefaults = {
  tasks: evaluatedTasks,
  phrasings: 'unseen',
  questions: 2,
  maxTokens: 256,
} as const;

/** One task for one granularity or with one kind of boxes. */
export interface WorldResult {
  readonly task: EvaluatedTask;
  readonly variant: PlannedMeasure['variant'];
  /** Questions, captions or, for proposals, scenes. */
  readonly count: number;
  readonly seconds: number;
  readonly figures: Figures;
}

export interface WorldReport {
  readonly split: 'test';
  readonly seed: number;
  /** Scenes that were looked at. */
  readonly count: number;
  readonly phrasings: Phrasings;
  /** From the first scene to the last, drawing included. */
  readonly seconds: number;
  readonly scenesPerSecond: number;
  readonly results: readonly WorldResult[];
  readonly skipped: readonly (Pick<WorldResult, 'task' | 'variant'> & { readonly reason: string })[];
}

const maxCount = 1_000_000;

/** @throws ChatRexError 'invalid-argument' for a number out of range; as the model does */
export async function evaluateWorld(model: WorldModel, options: WorldEvaluationOptions): Promise<WorldReport> {
  const settings = { ...worldEvaluationDefaults, ...options };
  const { seed, count, phrasings, onProgress, signal } = settings;
  requireWhole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole('count', count, 1, maxCount);
  requireWhole('questions', settings.questions, 1, 100);
  const planned = settings.tasks.flatMap(planTask);
  const active = planned.filter((measure) => reasonToSkip(model, measure) === null);
  const atlas = await loadSpriteAtlas();
  const start = performance.now();
  let done = 0;
  while (done < count && active.length > 0 && !signal?.aborted) {
    await observeScene(model, renderScene(atlas, { split: 'test', seed, index: done }), active, settings);
    onProgress?.(++done);
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    split: 'test',
    seed,
    count: done,
    phrasings,
    seconds,
    scenesPerSecond: done / seconds,
    results: active.map(({ task, variant, running }) => ({ task, variant, ...running.result() })),
    skipped: planned.flatMap((measure) => {
      const reason = reasonToSkip(model, measure);
      return reason === null ? [] : [{ task: measure.task, variant: measure.variant, reason }];
    }),
  };
}

type Settings = Required<Pick<WorldEvaluationOptions, 'phrasings' | 'questions' | 'maxTokens'>> &
  Pick<WorldEvaluationOptions, 'minScore'>;

async function observeScene(
  { upn, chatrex }: WorldModel,
  scene: Scene,
  measures: readonly PlannedMeasure[],
  { phrasings, questions, maxTokens, minScore }: Settings,
): Promise<void> {
  const wished = { ...chatrex?.proposals, granularity: 'both', ...(minScore !== undefined && { minScore }) } as const;
  const [chosen] = upn ? await upn.propose([scene.image], wished) : [];
  for (const measure of measures) {
    if (measure.of === 'proposals') await measure.running.observe({ scene, upn: upn!, chosen });
  }
  for (const source of ['upn boxes', 'true boxes'] satisfies BoxSource[]) {
    const asking = measures.filter((measure) => measure.of === 'answers' && measure.variant === source);
    if (asking.length === 0) continue;
    const { boxes, indexOf } = source === 'true boxes' ? trueBoxList(scene) : { boxes: chosen, indexOf: null };
    const image = await chatrex!.encode(scene.image, { boxes });
    const view: SceneView = { scene, image, indexOf, phrasings, questions, askOptions: { maxTokens } };
    for (const measure of asking) if (measure.of === 'answers') await measure.running.observe(view);
  }
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ChatRexError(
    'invalid-argument',
    `world evaluation ${name}: expected a whole number from ${least} to ${most}, came ${value}`,
  );
}
