/**
 * A list of objects is right in any order: where an object is due, any of those still to come will do. The loss is minus the
 * logarithm of their probability together, so that a model need not guess which of five dogs somebody put first.
 *
 * What is in the list already cannot come again, in training as in use (`grounding/constrain.ts`). So a model need not keep
 * count of what it has listed: the list ends where nothing that is left fits.
 */

import type { ImageTexts } from '../../chatrex/pack-texts.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { argMax } from '../../tensor/ops/arg-max.ts';
import { input } from '../../tensor/ops/input.ts';
import { subtract } from '../../tensor/ops/subtract.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { accuracy, crossEntropy } from '../losses.ts';

const never = -1e9;

/**
 * Loss: mean over all places of -log of the probability, among tokens that may come, of every token that is right there.
 * Accuracy: share of the places whose largest logit is that of a right token.
 *
 * @param logits [N, vocabSize]
 * @param labels int64 [N]: one of the right tokens of each place
 */
export function answeringInAnyOrder(logits: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor } {
  const open = add(logits, input('listed tokens', 'float32', logits.shape));
  const rightLogits = add(logits, input('wrong tokens', 'float32', logits.shape));
  return {
    // What the label loses to all tokens that may come, less what it loses to the other right ones.
    loss: subtract(crossEntropy(open, labels), crossEntropy(rightLogits, labels)),
    accuracy: accuracy(open, argMax(rightLogits, { axis: 1 })),
  };
}

/** float32 [N, vocabSize] each, for the places of `packTexts`: 0 or, for the tokens of the name, very negative. */
export interface AnyOrderFeeds {
  readonly 'wrong tokens': HostTensor<'float32'>;
  readonly 'listed tokens': HostTensor<'float32'>;
}

/**
 * @param images as `packTexts` was given them
 * @param objectIds the index tokens
 */
export function anyOrderFeeds(
  images: readonly ImageTexts[],
  objectIds: ReadonlySet<number>,
  vocabSize: number,
): AnyOrderFeeds {
  const texts = images.flatMap((image) => image.texts);
  const places = texts.flatMap(({ ids, isTarget }) =>
    ids.flatMap((_, place) => (isTarget[place] ? [{ ids, place }] : [])),
  );
  const wrong = hostTensor('float32', [places.length, vocabSize]);
  const listed = hostTensor('float32', [places.length, vocabSize]);
  wrong.data.fill(never);
  places.forEach(({ ids, place }, n) => {
    const [start, end] = listAround(ids, place, objectIds);
    for (const id of ids.slice(start, place)) listed.data[n * vocabSize + id] = never;
    // The token itself, and where an object is due the rest of its list.
    for (const id of ids.slice(place, Math.max(end, place + 1))) wrong.data[n * vocabSize + id] = 0;
  });
  return { 'wrong tokens': wrong, 'listed tokens': listed };
}

/** Where the objects that reach up to a place begin, and where those from it on end; both the place itself without any. */
function listAround(ids: readonly number[], place: number, objectIds: ReadonlySet<number>): [number, number] {
  let [start, end] = [place, place];
  while (start > 0 && objectIds.has(ids[start - 1])) start--;
  while (end < ids.length && objectIds.has(ids[end])) end++;
  return [start, end];
}
