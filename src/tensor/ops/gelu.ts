/** Gaussian error linear unit, x * Phi(x), in its exact (erf) form. */

import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { unaryOp } from './elementwise.ts';
import { erf, erfReference } from './erf.ts';
import { exp } from './exp.ts';
import { multiply } from './multiply.ts';
import { subtract } from './subtract.ts';

/** x * Phi(x) with the exact normal distribution function, as PyTorch's default GELU. */
export const gelu = (x: Tensor): Tensor => apply(geluOp, [x], null);

export const geluOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Gelu',
  domain: 'com.microsoft',
  f: (x) => 0.5 * x * (1 + erfReference(x / Math.SQRT2)),
  // Phi(x) + x * phi(x) = (1 + erf(u) + 2 u exp(-u^2) / sqrt(pi)) / 2 with u = x / sqrt(2)
  gradient: (x, _, dy) => {
    const u = multiply(x, Math.SQRT1_2);
    // The factor inside of the exponential: every pass over so large a tensor costs as much as the arithmetic.
    const bell = multiply(u, exp(subtract(Math.log(2 / Math.sqrt(Math.PI)), multiply(u, u))));
    return multiply(multiply(dy, 0.5), add(add(erf(u), bell), 1));
  },
});
