/** Gaussian error linear unit, x * Phi(x), in its exact (erf) form. */

import type { DifferentiableOp } from '../op.ts';
import { apply, type Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { unaryOp } from './elementwise.ts';
import { erf, erfReference } from './erf.ts';
import { exp } from './exp.ts';
import { multiply } from './multiply.ts';

/** x * Phi(x) with the exact normal distribution function, as PyTorch's default GELU. */
export const gelu = (x: Tensor): Tensor => apply(geluOp, [x], null);

export const geluOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Gelu',
  domain: 'com.microsoft',
  f: (x) => 0.5 * x * (1 + erfReference(x / Math.SQRT2)),
  // Phi(x) + x * phi(x)
  gradient: (x, _, dy) => {
    const cdf = add(multiply(erf(multiply(x, Math.SQRT1_2)), 0.5), 0.5);
    const pdf = multiply(exp(multiply(multiply(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return multiply(dy, add(cdf, multiply(x, pdf)));
  },
});
