/**
 * A list of objects is right in any order: where an object is due, any of those still to come will do. The loss is
 * minus the logarithm of their probability together, so that a model need not guess which of five dogs somebody put
 * first.
 *
 * What is in the list already cannot come again, in training as in use (`grounding/constrain.ts`). So a model need not
 * keep count of what it has listed: the list ends where nothing that is left fits.
 */

import { atTokens } from '../../chatrex/at-tokens.ts';
import type { ImageTexts } from '../../chatrex/pack-texts.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { add } from '../../tensor/ops/add.ts';
import { argMax } from '../../tensor/ops/arg-max.ts';
import { gatherElements } from '../../tensor/ops/gather-elements.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { subtract } from '../../tensor/ops/subtract.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { accuracy, crossEntropy } from '../losses.ts';

const never = -1e9;

/**
 * Loss: mean over positions of -log of the summed probability of all right tokens, among the tokens that may come.
 * Accuracy: share of the positions whose largest logit is that of a right token.
 *
 * Inputs: those of `anyOrderFeeds`.
 * @param logits [N, vocabSize]
 * @param labels int64 [N]: one of the right tokens of each position
 */
export function answeringInAnyOrder(logits: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor } {
  const [positions, vocabSize] = logits.shape;
  const listed = input('listed objects', 'float32', [positions, 'list tokens']);
  const open = add(logits, atTokens(listed, input('list tokens', 'int64', ['list tokens']), vocabSize as number));
  const rightIds = input('right tokens', 'int64', [positions, 'right']);
  const isRight = input('is right', 'float32', [positions, 'right']);
  const rightLogits = add(gatherElements(logits, rightIds, { axis: 1 }), isRight);
  const best = reshape(argMax(rightLogits, { axis: 1 }), [positions, 1]);
  return {
    // What the label loses to all tokens that may come, less what it loses to the other right ones.
    loss: subtract(crossEntropy(open, labels), crossEntropy(rightLogits, multiply(labels, 0))),
    accuracy: accuracy(open, reshape(gatherElements(rightIds, best, { axis: 1 }), [positions])),
  };
}

/** For the positions of `packTexts`. */
export interface AnyOrderFeeds {
  /** int64 [M]: the index tokens. */
  readonly 'list tokens': HostTensor<'int64'>;
  /** float32 [N, M]: very negative for the objects that the list already holds, 0 for all others. */
  readonly 'listed objects': HostTensor<'float32'>;
  /** int64 [N, R]: the tokens that are right, the label first. */
  readonly 'right tokens': HostTensor<'int64'>;
  /** float32 [N, R]: 0 for these, very negative for what fills the row. */
  readonly 'is right': HostTensor<'float32'>;
}

/**
 * @param images as `packTexts` was given them
 * @param objectIds the index tokens
 */
export function anyOrderFeeds(images: readonly ImageTexts[], objectIds: readonly number[]): AnyOrderFeeds {
  const columnOf = new Map(objectIds.map((id, column) => [id, column]));
  const positions = images.flatMap(({ texts }) =>
    texts.flatMap(({ ids, isTarget }) =>
      ids.flatMap((_, place) => {
        if (!isTarget[place]) return [];
        const [start, end] = listAround(ids, place, columnOf);
        // The token itself, and where an object is due the rest of its list.
        return [{ listed: ids.slice(start, place), right: ids.slice(place, Math.max(end, place + 1)) }];
      }),
    ),
  );
  const width = Math.max(1, ...positions.map(({ right }) => right.length));
  const listed = hostTensor('float32', [positions.length, objectIds.length]);
  const rightTokens = hostTensor('int64', [positions.length, width]);
  const isRight = hostTensor('float32', [positions.length, width]);
  isRight.data.fill(never);
  positions.forEach((position, n) => {
    for (const id of position.listed) listed.data[n * objectIds.length + (columnOf.get(id) as number)] = never;
    position.right.forEach((id, i) => {
      rightTokens.data[n * width + i] = BigInt(id);
      isRight.data[n * width + i] = 0;
    });
  });
  return {
    'list tokens': hostTensor('int64', [objectIds.length], objectIds),
    'listed objects': listed,
    'right tokens': rightTokens,
    'is right': isRight,
  };
}

/** Start and end of the run of object tokens around `place`, or [place, place] if there is none. */
function listAround(ids: readonly number[], place: number, objectIds: { has(id: number): boolean }): [number, number] {
  let [start, end] = [place, place];
  while (start > 0 && objectIds.has(ids[start - 1])) start--;
  while (end < ids.length && objectIds.has(ids[end])) end++;
  return [start, end];
}
