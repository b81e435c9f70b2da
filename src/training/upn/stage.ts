/** UPN training as a stage: scenes from a cache on disk, a backbone that may start from vision pre-training. */

import { join } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { openSceneCache } from '../data/scene-cache.ts';
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

/** @param backboneFile checkpoint of vision pre-training; the backbone starts at random without it */
export async function trainUpn(
  config: UpnTraining,
  cacheFolder: string,
  options: StageOptions & { backboneFile?: string },
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { seed } = config;
  const cache = await openSceneCache(
    join(cacheFolder, 'scenes'),
    { split: 'train', seed, count: config.scenes },
    (done, total) => options.onStatus?.(`rendering scenes ${done}/${total}`),
  );
  const { backboneFile } = options;
  try {
    return await runStage(
      {
        name: 'upn',
        settings: config,
        ...upnTrainingGraph(createScope(), config),
        initial: backboneFile === undefined ? undefined : (parameters) => loadBackbone(backboneFile, parameters),
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

async function loadBackbone(path: string, parameters: ParameterSet): Promise<void> {
  const file = await openSafetensors(path);
  for (const [name, { data }] of parameters) {
    if (!name.startsWith(pretrained.to)) continue;
    const source = pretrained.from + name.slice(pretrained.to.length);
    if (!file.tensors.has(source)) {
      throw new ChatRexError(
        'weights-mismatch',
        `${path} has no ${source} for ${name}; give a vision run's checkpoint`,
      );
    }
    data.set(await file.readFloat32(source));
  }
}
