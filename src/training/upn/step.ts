/** One step of UPN training: predictions, matching on the host, then losses and gradients. */

import { ChatRexError } from '../../errors.ts';
import type { Granularity } from '../../proposals/network.ts';
import { createRandom, type Random } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import type { GradientSession } from '../gradient-session.ts';
import type { PromptTruth, UpnBatch } from './batch.ts';
import { denoisingGroup, denoisingMask } from './denoising.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';
import { type DecodedImage, upnTargets } from './targets.ts';

/** @param key decides the noise and the prompts; @returns loss and metrics; gradients are added up in the session */
export async function upnStep(
  session: GradientSession<string, string>,
  config: UpnTrainingConfig,
  batch: UpnBatch,
  key: string,
): Promise<Record<string, number>> {
  const { batchSize, denoisingQueries, upn } = config;
  const tokens = validTokens(config, batch);
  const selected = Math.min(upn.numQueries, tokens.length / batchSize);
  const count = denoisingQueries + selected;
  const isCoarse = hostTensor('float32', [batchSize, 1, 1]);
  const noised = hostTensor('float32', [batchSize, denoisingQueries, 4]);
  const mask = hostTensor('float32', [batchSize, 1, count, count]);
  const decoded = Array.from({ length: batchSize }, (_, i): DecodedImage => {
    const random = createRandom(`${key}/${i}`);
    const granularity = drawPrompt(batch.truths, i, random);
    isCoarse.data[i] = granularity === 'coarse' ? 1 : 0;
    const truth = batch.truths[granularity][i];
    const denoising = denoisingGroup(truth?.objects ?? new Float32Array(0), denoisingQueries, random);
    noised.data.set(denoising.boxesUnsigmoid, i * denoisingQueries * 4);
    denoisingMask(denoising, selected, mask.data.subarray(i * count * count, (i + 1) * count * count));
    return { truth, denoising };
  });
  const feeds = { ...batch.feeds, 'is coarse': isCoarse, 'noised boxes': noised, 'attention mask': mask };
  const predictions = await session.predict(feeds);
  requireNumbers(predictions);
  const targets = upnTargets(config, predictions, { truths: batch.truths, isValid: tokens, decoded });
  const metrics = await session.accumulate({ ...feeds, ...targets });
  return batch.unreadable === 0 ? metrics : { ...metrics, unreadable: batch.unreadable };
}

/** Matching has no answer for what is not a number. */
function requireNumbers(predictions: Readonly<Record<string, HostTensor>>): void {
  for (const [name, { data }] of Object.entries(predictions)) {
    if (areFinite(data as Float32Array)) continue;
    throw new ChatRexError('diverged', `the network's ${name} are not all finite numbers`);
  }
}

/**
 * Zero times infinity, or times what is not a number, is not a number: a loop of sums, ten times as fast as `every`.
 */
function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  return sum === 0;
}

/** The prompt that an image's decoder works for: one of those that its annotations say something about. */
function drawPrompt(
  truths: Readonly<Record<Granularity, readonly (PromptTruth | null)[]>>,
  image: number,
  random: Random,
): Granularity {
  const drawn = granularities[random.int(0, 1)];
  const other = granularities.find((granularity) => granularity !== drawn) as Granularity;
  return truths[drawn][image] === null && truths[other][image] !== null ? other : drawn;
}

/**
 * Per image and token, level after level, 1 where the token stands for image and 0 in padding, as the network has it.
 */
export function validTokens(
  { upn, canvases, batchSize }: Pick<UpnTrainingConfig, 'upn' | 'canvases' | 'batchSize'>,
  { canvas, feeds }: Pick<UpnBatch, 'canvas' | 'feeds'>,
): Uint8Array {
  const { width, height } = canvases[canvas];
  const grids = levelGrids(upn, canvases[canvas]);
  const perImage = grids.reduce((sum, grid) => sum + grid.width * grid.height, 0);
  const valid = new Uint8Array(batchSize * perImage).fill(1);
  if (!feeds.padding) return valid;
  const padding = feeds.padding.data as Uint8Array;
  let at = 0;
  for (let image = 0; image < batchSize; image++) {
    for (const grid of grids) {
      for (let y = 0; y < grid.height; y++) {
        const row = nearest(y, height, grid.height) * width;
        for (let x = 0; x < grid.width; x++) {
          valid[at++] = padding[image * width * height + row + nearest(x, width, grid.width)] ? 0 : 1;
        }
      }
    }
  }
  return valid;
}

/** As the network finds it, in float32. */
const nearest = (place: number, from: number, to: number): number =>
  Math.min(Math.floor(Math.fround(place * Math.fround(from / to))), from - 1);

/** Sizes of all levels' maps. */
function levelGrids(
  { backboneStages, numLevels }: UpnTrainingConfig['upn'],
  { width, height }: { readonly width: number; readonly height: number },
): { width: number; height: number }[] {
  const grids = backboneStages.map((stage) => ({ width: width / (4 * 2 ** stage), height: height / (4 * 2 ** stage) }));
  while (grids.length < numLevels) {
    const last = grids[grids.length - 1];
    grids.push({ width: Math.ceil(last.width / 2), height: Math.ceil(last.height / 2) });
  }
  return grids;
}
