/**
 * Naming objects: what teaches encoders the world's categories, in place of CLIP's and LAION's weights.
 *
 * Features are pooled from boxes as the object encoder does (paper section 3.2), so that they are already those that
 * object tokens will be made of; a head that is thrown away says category and colour.
 */

import type { ViewedRegion } from '../../datasets/view/view.ts';
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
import { accuracy, crossEntropy } from '../losses.ts';

/** What names are chosen from: categories, and the values of each attribute that regions may have. */
export interface Names {
  readonly categories: readonly string[];
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** A region as an augmented image shows it. */
export type NamedRegion = Pick<ViewedRegion, 'boxXyxy' | 'category' | 'attributes'>;

export interface NamingInputs {
  readonly places: ObjectInputs;
  readonly categories: Tensor;
  /** Labels of each attribute. */
  readonly attributes: Readonly<Record<string, Tensor>>;
}

/** Pixels per position of the finest feature map. */
const finestStride = 4;
/** Marks places without an object, objects whose category is not among the names, and unknown attributes. */
export const ignoredLabel = -100n;

/** Inputs for `count` objects an image. */
export function namingInputs(batchSize: number, count: number, imageSize: number, { attributes }: Names): NamingInputs {
  const finest = imageSize / finestStride;
  return {
    places: {
      rows: input('rows', 'float32', [batchSize, count, finest]),
      columns: input('columns', 'float32', [batchSize, count, finest]),
      // Names must not follow from places, so heads read the pooled content alone and this is never used.
      boxesCxcywhNormalized: input('boxes', 'float32', [batchSize, count, 4]),
    },
    categories: input('categories', 'int64', [batchSize, count]),
    attributes: Object.fromEntries(
      Object.keys(attributes).map((name) => [name, input(`attribute ${name}`, 'int64', [batchSize, count])]),
    ),
  };
}

/** Weight of naming an attribute beside naming the category. */
const attributeWeight = 0.5;

/**
 * @param maps [B, C, H, W] each
 * @param scope of the head
 */
export function namingLoss(
  scope: Scope,
  maps: readonly Tensor[],
  { places, categories, attributes }: NamingInputs,
  names: Names,
) {
  const features = encodeObjects(maps, places).content;
  const channels = features.shape[2] as number;
  const normalized = layerNorm(scope.at('norm'), channels)(features);
  const categoryLogits = linear(scope.at('category'), channels, names.categories.length)(normalized);
  const metrics: Record<string, Tensor> = { category: accuracy(categoryLogits, categories) };
  let loss = crossEntropy(categoryLogits, categories);
  for (const [name, values] of Object.entries(names.attributes)) {
    const logits = linear(scope.at(name), channels, values.length)(normalized);
    loss = add(loss, multiply(crossEntropy(logits, attributes[name]), attributeWeight));
    metrics[name] = accuracy(logits, attributes[name]);
  }
  return { loss, metrics };
}

/** @param regions per image; those beyond `count` are left out */
export function namingFeeds(
  regions: readonly (readonly NamedRegion[])[],
  count: number,
  imageSize: number,
  names: Names,
): Record<string, HostTensor> {
  const finest = imageSize / finestStride;
  const map = { height: finest, width: finest, spatialScale: 1 / finestStride, outputSize: roiOutputSize };
  const places = regions.length * count;
  const rows = hostTensor('float32', [regions.length, count, finest]);
  const columns = hostTensor('float32', [regions.length, count, finest]);
  const labels = () => hostTensor('int64', [regions.length, count], new BigInt64Array(places).fill(ignoredLabel));
  const categories = labels();
  const categoryIndex = indexOf(names.categories);
  const attributes = Object.entries(names.attributes).map(([name, values]) => {
    return { name, index: indexOf(values), labels: labels() };
  });
  regions.forEach((ofImage, b) => {
    ofImage.slice(0, count).forEach((region, k) => {
      const at = b * count + k;
      const weights = poolingWeights(region.boxXyxy, map);
      rows.data.set(weights.rows, at * finest);
      columns.data.set(weights.columns, at * finest);
      categories.data[at] = labelOf(categoryIndex, region.category);
      for (const one of attributes) one.labels.data[at] = labelOf(one.index, region.attributes?.[one.name]);
    });
  });
  return {
    rows,
    columns,
    categories,
    ...Object.fromEntries(attributes.map(({ name, labels: values }) => [`attribute ${name}`, values])),
  };
}

const indexOf = (values: readonly string[]): ReadonlyMap<string, number> =>
  new Map(values.map((value, index) => [value, index]));

const labelOf = (index: ReadonlyMap<string, number>, value: string | undefined): bigint => {
  const found = value === undefined ? undefined : index.get(value);
  return found === undefined ? ignoredLabel : BigInt(found);
};
