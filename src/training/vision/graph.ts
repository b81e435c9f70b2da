/** Vision pre-training: both image encoders learn to name every region of an image. */

import { type MosaicSource, mosaic } from '../../datasets/view/mosaic.ts';
import { lookAt, randomView, type Viewed, type ViewedRegion } from '../../datasets/view/view.ts';
import { CLIP_STATISTICS, createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import { resizeImage } from '../../image/resize.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
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
import { type Names, namingFeeds, namingInputs, namingLoss } from './naming.ts';

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
export function visionStageGraph(scope: Scope, config: VisionStageConfig, names: Names) {
  const { batchSize, imageSize, objectsPerImage, low } = config;
  const asked = namingInputs(batchSize, objectsPerImage, imageSize, names);
  const pixelsHigh = input('pixelsHigh', 'float32', [batchSize, 3, imageSize, imageSize]);
  const pixelsLow = input('pixelsLow', 'float32', [batchSize, 3, low.imageSize, low.imageSize]);
  const tokens = clipVit(scope.at('low'), low)(pixelsLow);
  const side = low.imageSize / low.patchSize;
  const lowMap = reshape(transpose(tokens, [0, 2, 1]), [batchSize, low.hiddenSize, side, side]);
  const named = namingLoss(scope.at('head.high'), convNext(scope.at('high'), config.high)(pixelsHigh), asked, names);
  const lowNamed = namingLoss(scope.at('head.low'), [lowMap], asked, names);
  return {
    loss: add(named.loss, multiply(lowNamed.loss, 0.5)),
    metrics: { ...named.metrics, categoryLow: lowNamed.metrics.category },
  };
}

/** Reads the sample at a position of the order; null where its image cannot be read. */
export type ReadSource = (position: number) => Promise<MosaicSource | null>;

/**
 * The feeds of a batch.
 * @param positions of its images; each has `scenesPerMosaic` samples of the order, of which a single view shows the
 *   first
 * @param key decides views, mosaics and which regions are left out
 */
export async function visionBatch(
  read: ReadSource,
  config: VisionStageConfig,
  positions: readonly number[],
  key: string,
  names: Names,
): Promise<Record<string, HostTensor>> {
  const { batchSize, imageSize, objectsPerImage, low } = config;
  const high = createImageBatch(batchSize, { width: imageSize, height: imageSize });
  const small = createImageBatch(batchSize, { width: low.imageSize, height: low.imageSize });
  const regions: ViewedRegion[][] = [];
  for (const [b, position] of positions.entries()) {
    const random = createRandom(`${key}/${b}`);
    const seen = await showImage(read, config, position, random);
    setImage(high, b, seen.image, IMAGENET_STATISTICS);
    const scale = low.imageSize / imageSize;
    const [width, height] = [seen.image.width, seen.image.height].map((side) => Math.max(1, Math.round(side * scale)));
    setImage(small, b, resizeImage(seen.image, { width, height }, 'bicubic'), CLIP_STATISTICS);
    regions.push(random.shuffle(seen.regions));
  }
  return {
    pixelsHigh: hostTensor('float32', [batchSize, 3, imageSize, imageSize], high.pixels),
    pixelsLow: hostTensor('float32', [batchSize, 3, low.imageSize, low.imageSize], small.pixels),
    ...namingFeeds(regions, objectsPerImage, imageSize, names),
  };
}

/** A mosaic of several samples, or a view of one. */
async function showImage(
  read: ReadSource,
  { imageSize, mosaicShare, scenesPerMosaic }: VisionStageConfig,
  position: number,
  random: Random,
): Promise<Viewed> {
  const first = position * scenesPerMosaic;
  if (random.chance(mosaicShare)) {
    const sources = await Promise.all(Array.from({ length: scenesPerMosaic }, (_, i) => read(first + i)));
    return mosaic(
      sources.filter((source) => source !== null),
      random,
      imageSize,
    );
  }
  const source = await read(first);
  if (!source) return { image: createRgbImage(imageSize, imageSize), regions: [] };
  const { image } = source;
  const view = randomView(image, random);
  const scale = imageSize / Math.max(view.width, view.height);
  const target = {
    width: Math.max(1, Math.round(view.width * scale)),
    height: Math.max(1, Math.round(view.height * scale)),
  };
  return lookAt(image, image, source.regions, view, target);
}
