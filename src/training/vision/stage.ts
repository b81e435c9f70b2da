/** Vision pre-training as a stage: scenes from a cache on disk, both encoders in one graph. */

import { join } from 'node:path';
import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import { openSceneCache } from '../data/scene-cache.ts';
import type { ParameterSet } from '../parameters.ts';
import { runFeeds, runStage, type StageOptions, type StageSettings } from '../stage.ts';
import { type VisionStageConfig, visionBatch, visionStageGraph } from './graph.ts';

export interface VisionTraining extends StageSettings {
  readonly vision: VisionStageConfig;
  /** Scenes that the run draws from; they are rendered once. */
  readonly scenes: number;
}

/** @returns parameters under `high.`, `low.` and `head.`; the first two are what later stages start from */
export async function trainVision(
  config: VisionTraining,
  cacheFolder: string,
  options: StageOptions,
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const cache = await openSceneCache(
    join(cacheFolder, 'scenes'),
    { split: 'train', seed: config.seed, count: config.scenes },
    (done, total) => options.onStatus?.(`rendering scenes ${done}/${total}`),
  );
  try {
    return await runStage(
      {
        name: 'vision',
        settings: config,
        ...visionStageGraph(createScope(), config.vision),
        makeBatch: async (step) => {
          const random = createRandom(`vision/${config.seed}/${step}`);
          const picks = Array.from({ length: config.vision.batchSize }, () => random.int(0, cache.count - 1));
          const scenes = await Promise.all(picks.map((index) => cache.scene(index)));
          return visionBatch(scenes, config.vision, `vision/${config.seed}/${step}`);
        },
        run: runFeeds,
      },
      options,
    );
  } finally {
    await cache.close();
  }
}
