/** One step of UPN training: predictions, matching on the host, then losses and gradients. */

import { createRandom } from '../../random.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import type { GradientSession } from '../gradient-session.ts';
import { namingFeeds } from '../vision/naming.ts';
import type { UpnBatch } from './batch.ts';
import { denoisingGroup, denoisingMask } from './denoising.ts';
import type { UpnTrainingConfig } from './loss.ts';
import { type DecodedImage, upnTargets } from './targets.ts';

/** @param key decides the noise and the prompts; @returns loss and metrics; gradients are added up in the session */
export async function upnStep(
  session: GradientSession<string, string>,
  config: UpnTrainingConfig,
  batch: UpnBatch,
  key: string,
): Promise<Record<string, number>> {
  const { batchSize, denoisingQueries, upn } = config;
  const selected = Math.min(upn.numQueries, tokenCount(config));
  const count = denoisingQueries + selected;
  const isCoarse = hostTensor('float32', [batchSize, 1, 1]);
  const noised = hostTensor('float32', [batchSize, denoisingQueries, 4]);
  const mask = hostTensor('float32', [batchSize, 1, count, count]);
  const decoded = Array.from({ length: batchSize }, (_, i): DecodedImage => {
    const random = createRandom(`${key}/${i}`);
    isCoarse.data[i] = random.int(0, 1);
    const objects = batch.objects[isCoarse.data[i] === 1 ? 'coarse' : 'fine'][i];
    const denoising = denoisingGroup(objects, denoisingQueries, random);
    noised.data.set(denoising.boxesUnsigmoid, i * denoisingQueries * 4);
    denoisingMask(denoising, selected, mask.data.subarray(i * count * count, (i + 1) * count * count));
    return { objects, denoising };
  });
  const feeds = { ...batch.feeds, 'is coarse': isCoarse, 'noised boxes': noised, 'attention mask': mask };
  const predictions = await session.predict(feeds);
  const naming = config.namedObjects === 0 ? {} : namingFeeds(batch.named, config.namedObjects, config.imageSize);
  return session.accumulate({ ...feeds, ...naming, ...upnTargets(config, predictions, batch.objects, decoded) });
}

/** Tokens of all levels for a square image. */
export function tokenCount({ upn, imageSize }: Pick<UpnTrainingConfig, 'upn' | 'imageSize'>): number {
  const stages = upn.backboneStages.map((stage) => imageSize / (4 * 2 ** stage));
  while (stages.length < upn.numLevels) stages.push(Math.ceil(stages[stages.length - 1] / 2));
  return stages.reduce((sum, side) => sum + side * side, 0);
}
