/**
 * Object tokens say their category to a linear head beside the language model. A word about one object in a question teaches one
 * token; this teaches all of a picture's, so that what a token stands for is learned long before how to speak of it.
 */

import { layerNorm } from '../../nn/layer-norm.ts';
import { linear } from '../../nn/linear.ts';
import type { Scope } from '../../nn/scope.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { input } from '../../tensor/ops/input.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CATEGORIES } from '../../world/categories.ts';
import type { Scene } from '../../world/scene.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import { categoryLabel, ignoredLabel } from '../vision/naming.ts';
import type { ObjectList } from './object-list.ts';

/** @param objectTokens [B, K, hiddenSize]; the head's parameters stand in `scope` */
export function objectNaming(scope: Scope, objectTokens: Tensor, hiddenSize: number) {
  const labels = input('object categories', 'int64', objectTokens.shape.slice(0, 2));
  const logits = linear(
    scope.at('category'),
    hiddenSize,
    CATEGORIES.length,
  )(layerNorm(scope.at('norm'), hiddenSize)(objectTokens));
  return { loss: crossEntropy(logits, labels), category: accuracy(logits, labels) };
}

/** @param lists of the same pictures; boxes that are no object have no name */
export function objectNamingFeeds(
  scenes: readonly Scene[],
  lists: readonly ObjectList[],
): { readonly 'object categories': HostTensor<'int64'> } {
  const count = Math.max(...lists.map(({ boxesXyxy }) => boxesXyxy.length / 4));
  const labels = hostTensor('int64', [scenes.length, count]);
  labels.data.fill(ignoredLabel);
  scenes.forEach(({ objects }, b) => {
    for (const [object, index] of lists[b].indexOf) {
      labels.data[b * count + index] = categoryLabel(objects[object].category);
    }
  });
  return { 'object categories': labels };
}
