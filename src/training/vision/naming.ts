/**
 * Naming objects: what teaches encoders the world's categories, in place of CLIP's and LAION's weights.
 *
 * Features are pooled from boxes as the object encoder does (paper section 3.2), so that they are already those that object
 * tokens will be made of; a head that is thrown away says category and colour.
 */

import { layerNorm } from '../../nn/layer-norm.ts';
import { linear } from '../../nn/linear.ts';
import type { Scope } from '../../nn/scope.ts';
import { encodeObjects, type ObjectInputs, roiOutputSize } from '../../objects/object-encoder.ts';
import { poolingWeights } from '../../objects/pooling-weights.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CATEGORIES, type Category } from '../../world/categories.ts';
import { COLOUR_NAMES, type Colour } from '../../world/paint.ts';
import { accuracy, crossEntropy } from '../losses.ts';

/** An object as an augmented image shows it. */
export interface NamedObject {
  /** In pixels of the model's square input. */
  readonly boxXyxy: readonly number[];
  readonly category: Category;
  readonly colour: Colour | null;
}

export interface NamingInputs {
  readonly places: ObjectInputs;
  readonly categories: Tensor;
  readonly colours: Tensor;
}

const categoryIndex = new Map(CATEGORIES.map(({ name }, i) => [name, i]));
/** A category as a label. */
export const categoryLabel = ({ name }: Category): bigint => BigInt(categoryIndex.get(name) as number);
/** Pixels per position of the finest feature map. */
const finestStride = 4;
/** Marks places without an object, and objects without a colour. */
export const ignoredLabel = -100n;

/** Inputs for `count` objects an image. */
export function namingInputs(batchSize: number, count: number, imageSize: number): NamingInputs {
  const finest = imageSize / finestStride;
  return {
    places: {
      rows: input('rows', 'float32', [batchSize, count, finest]),
      columns: input('columns', 'float32', [batchSize, count, finest]),
      // Names must not follow from places, so heads read the pooled content alone and this is never used.
      boxesCxcywhNormalized: input('boxes', 'float32', [batchSize, count, 4]),
    },
    categories: input('categories', 'int64', [batchSize, count]),
    colours: input('colours', 'int64', [batchSize, count]),
  };
}

/** @param maps [B, C, H, W] each; the head's parameters stand in `scope` */
export function namingLoss(scope: Scope, maps: readonly Tensor[], { places, categories, colours }: NamingInputs) {
  const features = encodeObjects(maps, places).content;
  const channels = features.shape[2] as number;
  const normalized = layerNorm(scope.at('norm'), channels)(features);
  const categoryLogits = linear(scope.at('category'), channels, CATEGORIES.length)(normalized);
  const colourLogits = linear(scope.at('colour'), channels, COLOUR_NAMES.length)(normalized);
  return {
    loss: add(crossEntropy(categoryLogits, categories), multiply(crossEntropy(colourLogits, colours), 0.5)),
    category: accuracy(categoryLogits, categories),
    colour: accuracy(colourLogits, colours),
  };
}

/** @param objects per image; those beyond `count` are left out */
export function namingFeeds(
  objects: readonly (readonly NamedObject[])[],
  count: number,
  imageSize: number,
): Record<string, HostTensor> {
  const finest = imageSize / finestStride;
  const map = { height: finest, width: finest, spatialScale: 1 / finestStride, outputSize: roiOutputSize };
  const places = objects.length * count;
  const rows = hostTensor('float32', [objects.length, count, finest]);
  const columns = hostTensor('float32', [objects.length, count, finest]);
  const labels = () => hostTensor('int64', [objects.length, count], new BigInt64Array(places).fill(ignoredLabel));
  const [categories, colours] = [labels(), labels()];
  objects.forEach((ofImage, b) => {
    ofImage.slice(0, count).forEach(({ boxXyxy, category, colour }, k) => {
      const at = b * count + k;
      const weights = poolingWeights(boxXyxy, map);
      rows.data.set(weights.rows, at * finest);
      columns.data.set(weights.columns, at * finest);
      categories.data[at] = categoryLabel(category);
      if (colour) colours.data[at] = BigInt(COLOUR_NAMES.indexOf(colour));
    });
  });
  return { rows, columns, categories, colours };
}
