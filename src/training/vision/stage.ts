/** Vision pre-training as a stage: scenes from a cache on disk, both encoders in one graph. */

import { createScope } from '../../nn/scope.ts';
import type { Feeds } from '../../runtime/session.ts';
import { openTrainingScenes } from '../data/scene-cache.ts';
import { type PartedSettings, runFeeds, type Stage, type StageContext } from '../run.ts';
import { type VisionStageConfig, visionBatch, visionStageGraph } from './graph.ts';

export interface VisionTraining extends PartedSettings {
  readonly vision: VisionStageConfig;
  /** Scenes that the run draws from; they are rendered once. */
  readonly scenes: number;
}

/** Its parameters stand under `high.`, `low.` and `head.`; the first two are what later stages start from. */
export async function openVisionStage(
  config: VisionTraining,
  { cacheFolder }: StageContext,
  onStatus?: (text: string) => void,
): Promise<Stage<Feeds>> {
  const { seed, vision } = config;
  const cache = await openTrainingScenes(cacheFolder, config, onStatus);
  return {
    name: 'vision',
    settings: config,
    ...visionStageGraph(createScope(), vision),
    makeBatch: (step, part) => visionBatch(cache, vision, `vision/${seed}/${step}/${part}`),
    run: runFeeds,
    close: () => cache.close(),
  };
}
