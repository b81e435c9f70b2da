/**
 * Object tokens say their category to the language model's own words. A word about one object in a question teaches one
 * token; this teaches all of an image's, which aligns object tokens with word embeddings early in training.
 */

import type { Region } from '../../datasets/sample.ts';
import { rmsNorm } from '../../nn/rms-norm.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { input } from '../../tensor/ops/input.ts';
import type { Tensor } from '../../tensor/tensor.ts';
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

/** The token of a category: the first of its name within a sentence. */
export type NameToken = (category: string) => number | undefined;

export function createNameToken(tokenizer: Tokenizer): NameToken {
  const [space] = tokenizer.encode(' ');
  const known = new Map<string, number | undefined>();
  return (category) => {
    if (!known.has(category))
      known.set(
        category,
        tokenizer.encode(` ${category}`).find((id) => id !== space),
      );
    return known.get(category);
  };
}

/**
 * @param regions of each image
 * @param lists of the same images; boxes that are no region, or a region without a category, have no name
 */
export function objectNamingFeeds(
  regions: readonly (readonly Region[])[],
  lists: readonly ObjectList[],
  tokenOf: NameToken,
): { readonly 'object names': HostTensor<'int64'> } {
  const count = Math.max(...lists.map(({ boxesXyxy }) => boxesXyxy.length / 4));
  const labels = hostTensor('int64', [regions.length, count]);
  labels.data.fill(ignoredLabel);
  regions.forEach((ofImage, b) => {
    for (const [region, index] of lists[b].indexOf) {
      const { category } = ofImage[region];
      const token = category === undefined ? undefined : tokenOf(category);
      if (token !== undefined) labels.data[b * count + index] = BigInt(token);
    }
  });
  return { 'object names': labels };
}
