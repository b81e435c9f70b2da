/**
 * Object tokens say their category to the language model's own words. A word about one object in a question teaches one token;
 * this teaches all of an image's, so that an object looks like its name long before the model learns to speak of it.
 */

import { rmsNorm } from '../../nn/rms-norm.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { input } from '../../tensor/ops/input.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CATEGORIES } from '../../world/categories.ts';
import type { Scene } from '../../world/scene.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import { ignoredLabel } from '../vision/naming.ts';
import type { ObjectList } from './object-list.ts';

/**
 * @param objectTokens [B, K, hiddenSize]
 * @param scope of the norm before the words
 * @param words hidden states -> logits of the vocabulary
 */
export function objectNaming(scope: Scope, objectTokens: Tensor, words: (hidden: Tensor) => Tensor) {
  const [, , hiddenSize] = objectTokens.shape;
  const labels = input('object names', 'int64', objectTokens.shape.slice(0, 2));
  const logits = words(rmsNorm(scope.at('norm'), Number(hiddenSize))(objectTokens));
  return { loss: crossEntropy(logits, labels), category: accuracy(logits, labels) };
}

/** The token that stands for each category: the first of its name within a sentence. */
export function nameTokens(tokenizer: Tokenizer): ReadonlyMap<string, number> {
  const [space] = tokenizer.encode(' ');
  return new Map(
    CATEGORIES.map(({ name }) => [name, tokenizer.encode(` ${name}`).find((id) => id !== space)!] as const),
  );
}

/**
 * @param lists of the same images; boxes that are no object have no name
 * @param tokenOf see `nameTokens`
 */
export function objectNamingFeeds(
  scenes: readonly Scene[],
  lists: readonly ObjectList[],
  tokenOf: ReadonlyMap<string, number>,
): { readonly 'object names': HostTensor<'int64'> } {
  const count = Math.max(...lists.map(({ boxesXyxy }) => boxesXyxy.length / 4));
  const labels = hostTensor('int64', [scenes.length, count]);
  labels.data.fill(ignoredLabel);
  scenes.forEach(({ objects }, b) => {
    for (const [object, index] of lists[b].indexOf) {
      labels.data[b * count + index] = BigInt(tokenOf.get(objects[object].category.name)!);
    }
  });
  return { 'object names': labels };
}
