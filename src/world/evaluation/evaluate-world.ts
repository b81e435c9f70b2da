/**
 * A model on scenes of RexWorld: proposals, detection, referring, region categories, counting, captions, questions
 * (paper section 5, with the world in the place of COCO, LVIS, RefCOCO and the rest).
 *
 * Same model, seed and options, same figures. The language model gets boxes twice: the proposals of both granularities
 * together, and all objects of the scene in random order.
 */

import { ChatRexError } from '../../errors.ts';
import { evaluate } from '../../evaluation/evaluate.ts';
import { type EvaluatedModel, ModelSubject } from '../../evaluation/model-subject.ts';
import type { Figures } from '../../evaluation/suites/suite-score.ts';
import type { Phrasings } from '../../prompt/phrasings.ts';
import { openWorldDataset } from '../dataset.ts';
import { type EvaluatedTask, evaluatedTasks, type PlannedMeasure, planTask, reasonToSkip } from './plan.ts';
import { scoreMeasure, worldSuite } from './world-suite.ts';

/** Scenes that no training has seen: thresholds are chosen on `val`, figures are of `test`. */
export const evaluatedSplits = ['val', 'test'] as const;
export type EvaluatedSplit = (typeof evaluatedSplits)[number];

export interface WorldEvaluationOptions {
  /** `test` by default. */
  readonly split?: EvaluatedSplit;
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
  /** Where rendered scenes are kept. */
  readonly cacheFolder: string;
  /** Where rows go; a run that was ended or killed continues. Without it rows are kept in memory. */
  readonly folder?: string;
  /** Who is asked, for `run.json` in the folder. */
  readonly description?: Readonly<Record<string, unknown>>;
  readonly onProgress?: (done: number) => void;
  /** Hears of rendering, and of what is noteworthy about the folder. */
  readonly onStatus?: (text: string) => void;
  /** Ends the evaluation after the question under way; the report is of the scenes done. */
  readonly signal?: AbortSignal;
}

export const worldEvaluationDefaults = {
  split: 'test',
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
  readonly split: EvaluatedSplit;
  readonly seed: number;
  /** Scenes that were looked at. */
  readonly count: number;
  readonly phrasings: Phrasings;
  /** From the first scene to the last. */
  readonly seconds: number;
  readonly scenesPerSecond: number;
  readonly results: readonly WorldResult[];
  readonly skipped: readonly (Pick<WorldResult, 'task' | 'variant'> & { readonly reason: string })[];
}

const maxCount = 1_000_000;

/**
 * @throws ChatRexError 'invalid-argument' for a number out of range, or for a folder of another run; as the model does
 * @example
 * const report = await evaluateWorld({ chatrex: await ChatRex.load('nano') }, { seed: 2026, count: 100, cacheFolder });
 */
export async function evaluateWorld(model: EvaluatedModel, options: WorldEvaluationOptions): Promise<WorldReport> {
  const settings = { ...worldEvaluationDefaults, ...options };
  const { split, seed, count, phrasings, questions, maxTokens, minScore, onProgress, onStatus, signal } = settings;
  requireWhole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole('count', count, 1, maxCount);
  requireWhole('questions', questions, 1, 100);
  const planned = settings.tasks.flatMap(planTask);
  const measures = planned.filter((measure) => reasonToSkip(model, measure) === null);
  const world = await openWorldDataset(
    { split, seed, size: count },
    { cacheFolder: settings.cacheFolder, signal, onStatus },
  );
  const start = performance.now();
  const { run } = await evaluate({
    suite: worldSuite(world, measures, { phrasings, questions, askOptions: { maxTokens } }),
    // More scenes of the same seed continue a run.
    data: { ...world, fingerprint: world.name },
    open: async () => new ModelSubject(model, { granularity: 'both', minScore }),
    model: settings.description ?? {},
    options: { phrasings, questions, maxTokens, ...(minScore !== undefined && { minScore }) },
    folder: settings.folder,
    signal,
    onProgress: ({ done }) => onProgress?.(done),
    onNote: onStatus,
  });
  await world.close();
  const seconds = (performance.now() - start) / 1000;
  const done = measures.length === 0 ? 0 : run.done;
  const rows = run.rows.filter(({ index }) => index < done);
  return {
    split,
    seed,
    count: done,
    phrasings,
    seconds,
    scenesPerSecond: done / seconds,
    results: measures.map((measure) => {
      const { task, variant } = measure;
      return { task, variant, ...scoreMeasure(measure, rows) };
    }),
    skipped: planned.flatMap((measure) => {
      const reason = reasonToSkip(model, measure);
      return reason === null ? [] : [{ task: measure.task, variant: measure.variant, reason }];
    }),
  };
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ChatRexError(
    'invalid-argument',
    `world evaluation ${name}: expected a whole number from ${least} to ${most}, came ${value}`,
  );
}
