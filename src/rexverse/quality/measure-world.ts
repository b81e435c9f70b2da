/** Runs the engine over fresh scenes of RexWorld and scores what it wrote against the truth. */

import { join } from 'node:path';
import { outcomesOfRun } from '../outcomes.ts';
import { type RunOptions, type RunSummary, runRexverse } from '../run.ts';
import { renderSceneFiles } from './render-scenes.ts';
import { addScene, emptyScore, type WorldScore } from './score-world.ts';

export interface WorldMeasure {
  readonly seed: number;
  readonly scenes: number;
  /** Scenes that were annotated; what was filtered or failed counts as found nothing. */
  readonly done: number;
  readonly score: WorldScore;
}

/**
 * Scenes of the test split, rendered into `out/scenes` and annotated in `out`; a run that was interrupted continues.
 * @throws ChatRexError as `runRexverse` does, and when it was stopped before its end
 */
export async function measureWorld(
  options: Omit<RunOptions, 'source' | 'shard' | 'limit'> & { seed: number; scenes: number },
): Promise<{ measure: WorldMeasure; summary: RunSummary }> {
  const { seed, scenes, ...run } = options;
  const images = join(options.out, 'scenes');
  const sceneAt = await renderSceneFiles(images, { split: 'test', seed, scenes });
  const summary = await runRexverse({ ...run, source: images });
  const score = emptyScore();
  let done = 0;
  for await (const outcome of outcomesOfRun(summary.folder)) {
    if (outcome.state === 'done') done++;
    const index = Number.parseInt(outcome.name, 10);
    addScene(score, sceneAt(index), outcome.state === 'done' ? outcome.annotation : undefined);
  }
  return { measure: { seed, scenes, done, score }, summary };
}
