/** Runs the engine over fresh scenes of RexWorld and scores what it wrote against the truth. */

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeAll, writeBeside } from '../../files.ts';
import { renderScene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import { outcomesOfRun } from '../outcomes.ts';
import { type RunOptions, type RunSummary, runRexverse } from '../run.ts';
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
  await mkdir(images, { recursive: true });
  const atlas = await loadSpriteAtlas();
  const sceneAt = (index: number) => renderScene(atlas, { split: 'test', seed, index });
  for (let index = 0; index < scenes; index++) {
    const path = join(images, `${String(index).padStart(6, '0')}.png`);
    if (await stat(path).catch(() => undefined)) continue;
    const { width, height, data } = sceneAt(index).image;
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await writeBeside(path, (file) => writeAll(file, bytes));
  }
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
