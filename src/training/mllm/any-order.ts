/**
 * A list of objects is right in any order: where an object is due, any of those still to come will do. The loss is minus the
 * logarithm of their probability together, so that a model need not guess which of five dogs somebody put first.
 */

import type { PictureTexts } from '../../chatrex/pack-texts.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { argMax } from '../../tensor/ops/arg-max.ts';
import { input } from '../../tensor/ops/input.ts';
import { subtract } from '../../tensor/ops/subtract.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { accuracy, crossEntropy } from '../losses.ts';

const never = -1e9;

/**
 * Loss: mean over all places of -log of the probability of every token that is right there. Accuracy: share of the places
 * whose largest logit is that of a right token.
 *
 * @param logits [N, vocabSize]
 * @param labels int64 [N]: one of the right tokens of each place
 */
export function answeringInAnyOrder(logits: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor } {
  const rightLogits = add(logits, input('wrong tokens', 'float32', logits.shape));
  return {
    // What the label loses to all tokens, less what it loses to the other right ones.
    loss: subtract(crossEntropy(logits, labels), crossEntropy(rightLogits, labels)),
    accuracy: accuracy(logits, argMax(rightLogits, { axis: 1 })),
  };
}

/**
 * @param pictures as `packTexts` was given them
 * @param objectIds the index tokens
 * @returns float32 [N, vocabSize]: 0 for the tokens that are right at each of the places of `packTexts`, very negative for others
 */
export function anyOrderFeeds(
  pictures: readonly PictureTexts[],
  objectIds: ReadonlySet<number>,
  vocabSize: number,
): { readonly 'wrong tokens': HostTensor<'float32'> } {
  const texts = pictures.flatMap((picture) => picture.texts);
  const right = texts.flatMap(({ ids, isTarget }) =>
    ids.flatMap((_, place) => (isTarget[place] ? [rightTokens(ids, place, objectIds)] : [])),
  );
  const wrong = hostTensor('float32', [right.length, vocabSize]);
  wrong.data.fill(never);
  right.forEach((ids, n) => {
    for (const id of ids) wrong.data[n * vocabSize + id] = 0;
  });
  return { 'wrong tokens': wrong };
}

/** The token itself, and behind an object the rest of its list. */
function rightTokens(ids: readonly number[], place: number, objectIds: ReadonlySet<number>): readonly number[] {
  let end = place;
  while (end < ids.length && objectIds.has(ids[end])) end++;
  return end > place ? ids.slice(place, end) : [ids[place]];
}
