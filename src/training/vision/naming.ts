/**
 * Vision pre-training: both image encoders learn the world's objects, in place of CLIP's and LAION's weights.
 *
 * Every object of a scene is named, and its colour with it, from what the encoders see in its box: pooled as the object
 * encoder does (paper section 3.2), so that the features are already those that object tokens will be made of.
 */

import { CLIP_STATISTICS, createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { layerNorm } from '../../nn/layer-norm.ts';
import { linear } from '../../nn/linear.ts';
import type { Scope } from '../../nn/scope.ts';
import { encodeObjects, roiOutputSize } from '../../objects/object-encoder.ts';
import { poolingWeights } from '../../objects/pooling-weights.ts';
import { createRandom } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { transpose } from '../../tensor/ops/transpose.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type ClipVitConfig, clipVit } from '../../vision/clip-vit.ts';
import { type ConvNextConfig, convNext } from '../../vision/convnext.ts';
import { CATEGORIES } from '../../world/categories.ts';
import { COLOUR_NAMES } from '../../world/paint.ts';
import type { Scene } from '../../world/scene.ts';
import { accuracy, crossEntropy } from '../losses.ts';

export interface VisionStageConfig {
  high: ConvNextConfig;
  low: ClipVitConfig;
  /** Side of the high-resolution input in pixels. */
  imageSize: number;
  batchSize: number;
  /** Objects per picture whose names are asked; further ones are left out at random. */
  objectsPerImage: number;
}

const categoryIndex = new Map(CATEGORIES.map(({ name }, i) => [name, i]));
const finestStride = 4;
/** Marks places without an object in `crossEntropy` and `accuracy`. */
const ignoredLabel = -100;

/** The loss and its parts. Encoders stand under `high` and `low`, the heads, which are thrown away, under `head`. */
export function visionStageGraph(scope: Scope, config: VisionStageConfig) {
  const { batchSize, imageSize, objectsPerImage, low } = config;
  const finest = imageSize / finestStride;
  const objects = {
    rows: input('rows', 'float32', [batchSize, objectsPerImage, finest]),
    columns: input('columns', 'float32', [batchSize, objectsPerImage, finest]),
    boxesCxcywhNormalized: input('boxes', 'float32', [batchSize, objectsPerImage, 4]),
  };
  const categories = input('categories', 'int64', [batchSize, objectsPerImage]);
  const colours = input('colours', 'int64', [batchSize, objectsPerImage]);
  const highMaps = convNext(
    scope.at('high'),
    config.high,
  )(input('pixelsHigh', 'float32', [batchSize, 3, imageSize, imageSize]));
  const tokens = clipVit(
    scope.at('low'),
    low,
  )(input('pixelsLow', 'float32', [batchSize, 3, low.imageSize, low.imageSize]));
  const side = low.imageSize / low.patchSize;
  const lowMap = reshape(transpose(tokens, [0, 2, 1]), [batchSize, low.hiddenSize, side, side]);
  const highFeatures = encodeObjects(highMaps, objects).content;
  const lowFeatures = poolCoarse(lowMap, objects);
  const [named, lowNamed] = [
    nameObjects(scope.at('head.high'), highFeatures, categories, colours),
    nameObjects(scope.at('head.low'), lowFeatures, categories, colours),
  ];
  return {
    loss: add(named.loss, multiply(lowNamed.loss, 0.5)),
    metrics: { category: named.categoryAccuracy, colour: named.colourAccuracy, categoryLow: lowNamed.categoryAccuracy },
  };
}

/** Pools one coarse map with weights over the finest. */
const poolCoarse = (map: Tensor, objects: Parameters<typeof encodeObjects>[1]): Tensor =>
  encodeObjects([map], objects).content;

function nameObjects(scope: Scope, features: Tensor, categories: Tensor, colours: Tensor) {
  const channels = features.shape[2] as number;
  const normalized = layerNorm(scope.at('norm'), channels)(features);
  const categoryLogits = linear(scope.at('category'), channels, CATEGORIES.length)(normalized);
  const colourLogits = linear(scope.at('colour'), channels, COLOUR_NAMES.length)(normalized);
  return {
    loss: add(crossEntropy(categoryLogits, categories), multiply(crossEntropy(colourLogits, colours), 0.5)),
    categoryAccuracy: accuracy(categoryLogits, categories),
    colourAccuracy: accuracy(colourLogits, colours),
  };
}

/** The feeds of a batch; `key` decides flips and which objects are left out. */
export function visionBatch(
  scenes: readonly Scene[],
  config: VisionStageConfig,
  key: string,
): Record<string, HostTensor> {
  const { batchSize, imageSize, objectsPerImage: count, low } = config;
  const high = createImageBatch(batchSize, { width: imageSize, height: imageSize });
  const small = createImageBatch(batchSize, { width: low.imageSize, height: low.imageSize });
  const finest = imageSize / finestStride;
  const rows = hostTensor('float32', [batchSize, count, finest]);
  const columns = hostTensor('float32', [batchSize, count, finest]);
  const boxes = hostTensor('float32', [batchSize, count, 4]);
  const categories = hostTensor(
    'int64',
    [batchSize, count],
    new BigInt64Array(batchSize * count).fill(BigInt(ignoredLabel)),
  );
  const colours = hostTensor(
    'int64',
    [batchSize, count],
    new BigInt64Array(batchSize * count).fill(BigInt(ignoredLabel)),
  );
  scenes.forEach((scene, b) => {
    const random = createRandom(`${key}/${b}`);
    const isFlipped = random.chance(0.5);
    const image = isFlipped ? mirrored(scene.image) : scene.image;
    setImage(high, b, image, IMAGENET_STATISTICS);
    setImage(small, b, resizeImage(image, { width: low.imageSize, height: low.imageSize }, 'bicubic'), CLIP_STATISTICS);
    random
      .shuffle(scene.objects)
      .slice(0, count)
      .forEach(({ boxXyxy: [x1, y1, x2, y2], category, colour }, k) => {
        const box = isFlipped ? [imageSize - x2, y1, imageSize - x1, y2] : [x1, y1, x2, y2];
        const at = b * count + k;
        const weights = poolingWeights(box, {
          height: finest,
          width: finest,
          spatialScale: 1 / finestStride,
          outputSize: roiOutputSize,
        });
        rows.data.set(weights.rows, at * finest);
        columns.data.set(weights.columns, at * finest);
        categories.data[at] = BigInt(categoryIndex.get(category.name) as number);
        if (colour) colours.data[at] = BigInt(COLOUR_NAMES.indexOf(colour));
      });
  });
  const pixelsHigh = hostTensor('float32', [batchSize, 3, imageSize, imageSize], high.pixels);
  const pixelsLow = hostTensor('float32', [batchSize, 3, low.imageSize, low.imageSize], small.pixels);
  return { pixelsHigh, pixelsLow, rows, columns, boxes, categories, colours };
}

function mirrored({ width, height, data }: RgbImage): RgbImage {
  const result = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [3 * (y * width + x), 3 * (y * width + width - 1 - x)];
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: result };
}
