/** x * sigmoid(x), elementwise (also called swish). */

import { apply, type Tensor } from '../tensor.ts';
import { quickGeluOp } from './quick-gelu.ts';

/** x * sigmoid(x), elementwise. */
export const silu = (x: Tensor): Tensor => apply(quickGeluOp, [x], { alpha: 1 });
