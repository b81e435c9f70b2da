/** What is done to every token alone, done to a few tokens at a time. */

import { concat } from '../tensor/ops/concat.ts';
import { split } from '../tensor/ops/split.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Most numbers that the widest tensor of a stretch may have: few enough to stay in a processor's shared cache. */
export const mostPerStretch = 2 ** 22;

/** Lengths of the fewest stretches of about equal length whose tensors stay below `mostPerStretch`. */
export function stretchLengths(count: number, numbersEach: number): number[] {
  const longest = Math.ceil(count / Math.ceil((count * numbersEach) / mostPerStretch));
  return Array.from({ length: Math.ceil(count / longest) }, (_, i) => Math.min(longest, count - i * longest));
}

/**
 * A function of tokens [B, S, ...], applied to stretches of them in turn. A feed-forward network over 70,000 tokens at
 * once writes out and reads back half a gigabyte between its two layers.
 * @param width of the widest tensor that `map` makes, per token
 */
export function inStretches(inputs: readonly Tensor[], width: number, map: (...inputs: Tensor[]) => Tensor): Tensor {
  const [batch, tokens] = inputs[0].shape;
  if (typeof batch !== 'number' || typeof tokens !== 'number') return map(...inputs);
  const lengths = stretchLengths(tokens, batch * width);
  if (lengths.length === 1) return map(...inputs);
  const stretches = inputs.map((input) => split(input, { axis: 1, lengths, inTurn: true }));
  return concat(
    lengths.map((_, i) => map(...stretches.map((parts) => parts[i]))),
    1,
  );
}
