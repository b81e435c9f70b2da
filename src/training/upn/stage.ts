/** UPN training as a stage: scenes from a cache on disk, a backbone that may start from vision pre-training. */

import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import type { Scene } from '../../world/scene.ts';
import { openTrainingScenes } from '../data/scene-cache.ts';
import { validationScenes } from '../data/validation-scenes.ts';
import type { PartedSettings, Stage, StageContext } from '../run.ts';
import { type UpnBatch, upnBatch } from './batch.ts';
import { type UpnTrainingConfig, upnTrainingGraph } from './loss.ts';
import { upnStep } from './step.ts';
import { validateUpn } from './validate.ts';

export interface UpnTraining extends PartedSettings, UpnTrainingConfig {
  readonly scenes: number;
  /** Scenes of the validation split that figures are taken on while it trains. */
  readonly validationScenes: number;
  /** Factor of the learning rate for the backbone, which knows something already. */
  readonly backboneRate: number;
}

/** Beginning of the names of the backbone, which may come from vision pre-training. */
export const upnBackbone = 'backbone.model.backbone.';

export async function openUpnStage(
  config: UpnTraining,
  { cacheFolder }: StageContext,
  onStatus?: (text: string) => void,
): Promise<Stage<UpnBatch>> {
  const { seed } = config;
  const cache = await openTrainingScenes(cacheFolder, config, onStatus);
  let heldOut: Promise<Scene[]> | undefined;
  return {
    name: 'upn',
    settings: config,
    ...upnTrainingGraph(createScope(), config),
    group: (name) => {
      if (name.startsWith(upnBackbone)) return { learningRateScale: config.backboneRate };
      // Sampling places move slowly, as in Deformable DETR.
      return name.includes('sampling_offsets') ? { learningRateScale: 0.2 } : {};
    },
    makeBatch: async (step, part) => {
      const key = `upn/${seed}/${step}/${part}`;
      return upnBatch(await cache.draw(config.batchSize, createRandom(key)), config.imageSize, key);
    },
    run: (session, batch, step, part) => upnStep(session, config, batch, `upn/${seed}/${step}/${part}/noise`),
    validate: async (parameters) => {
      heldOut ??= validationScenes(seed, config.validationScenes);
      return validateUpn(config, parameters, await heldOut);
    },
    close: () => cache.close(),
  };
}
