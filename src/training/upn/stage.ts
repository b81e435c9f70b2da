/** UPN training as a stage: scenes from a cache on disk, a backbone that may start from vision pre-training. */

import { join } from 'node:path';
import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import { openSceneCache } from '../data/scene-cache.ts';
import { loadInitial } from '../initial-weights.ts';
import type { ParameterSet } from '../parameters.ts';
import { runStage, type StageOptions, type StageSettings } from '../stage.ts';
import { upnBatch } from './batch.ts';
import { type UpnTrainingConfig, upnTrainingGraph } from './loss.ts';
import { upnStep } from './step.ts';

export interface UpnTraining extends StageSettings, UpnTrainingConfig {
  readonly scenes: number;
  /** Factor of the learning rate for the backbone, which knows something already. */
  readonly backboneRate: number;
}

/** Where the encoder of vision pre-training lies in its checkpoint, and where it goes. */
const pretrained = { from: 'parameters.high.', to: 'backbone.model.backbone.' };

export interface UpnStageOptions extends StageOptions {
  /** Checkpoint of vision pre-training that the backbone starts from. */
  readonly backboneFile?: string;
  /** Checkpoint of an earlier UPN run that everything starts from. */
  readonly fromFile?: string;
}

export async function trainUpn(
  config: UpnTraining,
  cacheFolder: string,
  options: UpnStageOptions,
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { seed } = config;
  const cache = await openSceneCache(
    join(cacheFolder, 'scenes'),
    { split: 'train', seed, count: config.scenes },
    (done, total) => options.onStatus?.(`rendering scenes ${done}/${total}`),
  );
  const { backboneFile, fromFile } = options;
  try {
    return await runStage(
      {
        name: 'upn',
        settings: config,
        ...upnTrainingGraph(createScope(), config),
        initial: async (parameters) => {
          if (fromFile !== undefined) await loadInitial([{ file: fromFile, from: 'parameters.', to: '' }], parameters);
          else if (backboneFile !== undefined) await loadInitial([{ file: backboneFile, ...pretrained }], parameters);
        },
        group: (name) => {
          if (name.startsWith(pretrained.to)) return { learningRateScale: config.backboneRate };
          // Sampling places move slowly, as in Deformable DETR.
          return name.includes('sampling_offsets') ? { learningRateScale: 0.2 } : {};
        },
        makeBatch: async (step) => {
          const random = createRandom(`upn/${seed}/${step}`);
          const picks = Array.from({ length: config.batchSize }, () => random.int(0, cache.count - 1));
          const scenes = await Promise.all(picks.map((index) => cache.scene(index)));
          return upnBatch(scenes, config.imageSize, `upn/${seed}/${step}`);
        },
        run: (session, batch, step) => upnStep(session, config, batch, `upn/${seed}/${step}/noise`),
      },
      options,
    );
  } finally {
    await cache.close();
  }
}
