/**
 * Embeddings of the last tokens of a vocabulary learn while those of all other tokens stay as they are: for tokens that
 * were added to a language model that otherwise learns by low-rank adapters.
 *
 *     X.new_tokens.weight  [tokens, width]  what is added to the last rows of X.weight; starts at zero
 *
 * The table itself has no gradient, which would be as large as the table.
 */

import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { gather } from '../tensor/ops/gather.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { maximum } from '../tensor/ops/maximum.ts';
import { pad } from '../tensor/ops/pad.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scope } from './scope.ts';

const end = '.new_tokens.weight';

/** Whether a parameter is what new tokens learn. */
export const isOfNewTokens = (name: string): boolean => name.endsWith(end);

/** The name of what new tokens learn beside the table that is called `weight`. */
export const newTokensName = (weight: string): string => weight.slice(0, -'.weight'.length) + end;

export interface NewTokens {
  /** What embeddings gain: int64 ids [...] -> [..., width], zero for all tokens but the new ones. */
  embed(ids: Tensor): Tensor;
  /** What logits gain where the table is also the output: hidden states [..., width] -> [..., vocabSize]. */
  logits(hidden: Tensor): Tensor;
}

/** @param scope of the table; undefined unless its adapter says how many tokens are new */
export function newTokens(scope: Scope, vocabSize: number, width: number): NewTokens | undefined {
  const count = scope.adapter?.newTokens;
  if (count === undefined) return undefined;
  const rows = scope.parameter(end.slice(1), [count, width]);
  const nothing = constant('float32', [1, width], new Float32Array(width));
  const before = vocabSize - count;
  return {
    embed: (ids) => gather(concat([nothing, rows], 0), maximum(subtract(ids, before - 1), 0), { axis: 0 }),
    logits: (hidden) => pad(matmul(hidden, rows, { transposeB: true }), { axis: hidden.shape.length - 1, before }),
  };
}

/** The table with what its last rows have learned, as a new array. */
export function withNewTokens(table: Float32Array, learned: Float32Array): Float32Array {
  const sum = table.slice();
  const start = table.length - learned.length;
  for (let i = 0; i < learned.length; i++) sum[start + i] += learned[i];
  return sum;
}
