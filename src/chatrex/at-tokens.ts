/** Scores of a few tokens in a row of all. */

import { expand } from '../tensor/ops/expand.ts';
import { scatterElementsAdd } from '../tensor/ops/scatter-elements-add.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** values [N, K] of the tokens `ids` int64 [K] -> [N, vocabSize], zero at all others. */
export const atTokens = (values: Tensor, ids: Tensor, vocabSize: number): Tensor =>
  scatterElementsAdd(values, expand(ids, values.shape), { axis: 1, size: vocabSize });
