/** Vision pre-training: both image encoders learn to name every object of a scene. */

import { CLIP_STATISTICS, createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Scope } from '../../nn/scope.ts';
import { createRandom, type Random } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { transpose } from '../../tensor/ops/transpose.ts';
import { type ClipVitConfig, clipVit } from '../../vision/clip-vit.ts';
import { type ConvNextConfig, convNext } from '../../vision/convnext.ts';
import { mosaic } from '../data/mosaic.ts';
import type { SceneCache } from '../data/scene-cache.ts';
import { lookAt, randomView, type ViewedObject } from '../data/view.ts';
import { namingFeeds, namingInputs, namingLoss } from './naming.ts';

export interface VisionStageConfig {
  high: ConvNextConfig;
  low: ClipVitConfig;
  /** Side of the high-resolution input in pixels. */
  imageSize: number;
  batchSize: number;
  /** Objects per image whose names are asked; further ones are left out at random. */
  objectsPerImage: number;
  /** Share of images that are mosaics, and of how many scenes each is made. */
  mosaicShare: number;
  scenesPerMosaic: number;
}

/** The loss and its parts. Encoders stand under `high` and `low`, the heads, which are thrown away, under `head`. */
export function visionStageGraph(scope: Scope, config: VisionStageConfig) {
  const { batchSize, imageSize, objectsPerImage, low } = config;
  const asked = namingInputs(batchSize, objectsPerImage, imageSize);
  const pixelsHigh = input('pixelsHigh', 'float32', [batchSize, 3, imageSize, imageSize]);
  const pixelsLow = input('pixelsLow', 'float32', [batchSize, 3, low.imageSize, low.imageSize]);
  const tokens = clipVit(scope.at('low'), low)(pixelsLow);
  const side = low.imageSize / low.patchSize;
  const lowMap = reshape(transpose(tokens, [0, 2, 1]), [batchSize, low.hiddenSize, side, side]);
  const named = namingLoss(scope.at('head.high'), convNext(scope.at('high'), config.high)(pixelsHigh), asked);
  const lowNamed = namingLoss(scope.at('head.low'), [lowMap], asked);
  return {
    loss: add(named.loss, multiply(lowNamed.loss, 0.5)),
    metrics: { category: named.category, colour: named.colour, categoryLow: lowNamed.category },
  };
}

/** The feeds of a batch; `key` decides views, mosaics and which objects are left out. */
export async function visionBatch(
  cache: Pick<SceneCache, 'draw'>,
  config: VisionStageConfig,
  key: string,
): Promise<Record<string, HostTensor>> {
  const { batchSize, imageSize, objectsPerImage, low } = config;
  const high = createImageBatch(batchSize, { width: imageSize, height: imageSize });
  const small = createImageBatch(batchSize, { width: low.imageSize, height: low.imageSize });
  const objects: ViewedObject[][] = [];
  for (let b = 0; b < batchSize; b++) {
    const random = createRandom(`${key}/${b}`);
    const seen = await encoded(cache, config, random);
    setImage(high, b, seen.image, IMAGENET_STATISTICS);
    const lowImage = resizeImage(seen.image, { width: low.imageSize, height: low.imageSize }, 'bicubic');
    setImage(small, b, lowImage, CLIP_STATISTICS);
    objects.push(random.shuffle(seen.objects));
  }
  return {
    pixelsHigh: hostTensor('float32', [batchSize, 3, imageSize, imageSize], high.pixels),
    pixelsLow: hostTensor('float32', [batchSize, 3, low.imageSize, low.imageSize], small.pixels),
    ...namingFeeds(objects, objectsPerImage, imageSize),
  };
}

async function encoded(
  cache: Pick<SceneCache, 'draw'>,
  { imageSize, mosaicShare, scenesPerMosaic }: VisionStageConfig,
  random: Random,
): Promise<{ image: RgbImage; objects: ViewedObject[] }> {
  if (random.chance(mosaicShare)) return mosaic(await cache.draw(scenesPerMosaic, random), random, imageSize);
  const [scene] = await cache.draw(1, random);
  return lookAt(scene, randomView(scene, random), imageSize);
}
