/** Gaussian error linear unit, x * Phi(x), in its exact (erf) form. */

import { zipNd } from '../nd-array.ts';
import { requireSameDType } from '../shape.ts';
import type { DifferentiableOp, NonDifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { add, addOp } from './add.ts';
import { unaryOp } from './elementwise.ts';
import { erf, erfReference } from './erf.ts';
import { exp } from './exp.ts';
import { multiply } from './multiply.ts';
import { subtract } from './subtract.ts';

/** Below every value of GELU, -0.16997. */
export const lowestGelu = -0.17;

/** x * Phi(x) with the exact normal distribution function, as PyTorch's default GELU. */
export function gelu(x: Tensor): Tensor {
  const { op, inputs } = x.node;
  if (op === addOp) {
    const [sum, bias] = inputs as Tensor[];
    const cannotLearn = 'whyNot' in sum.node.op.gradient;
    if (cannotLearn && isBiasOf(bias, sum)) return apply(biasGeluOp, [sum, bias], null);
  }
  return apply(geluOp, [x], null);
}

const isBiasOf = (bias: Tensor, { shape, dtype }: Tensor): boolean =>
  dtype === 'float32' && bias.shape.length === 1 && shape.length > 1 && bias.shape[0] === shape.at(-1);

const geluReference = (x: number) => 0.5 * x * (1 + erfReference(x / Math.SQRT2));

export const geluOp: DifferentiableOp<null> = unaryOp({
  onnx: 'Gelu',
  domain: 'com.microsoft',
  f: geluReference,
  // Phi(x) + x * phi(x) = (1 + erf(u) + 2 u exp(-u^2) / sqrt(pi)) / 2 with u = x / sqrt(2)
  gradient: (x, _, dy) => {
    const u = multiply(x, Math.SQRT1_2);
    // The factor inside of the exponential: every pass over so large a tensor costs as much as the arithmetic.
    const bell = multiply(u, exp(subtract(Math.log(2 / Math.sqrt(Math.PI)), multiply(u, u))));
    return multiply(multiply(dy, 0.5), add(add(erf(u), bell), 1));
  },
});

/** GELU of x [..., C] + bias [C] in one pass, for layers whose weights cannot learn. */
export const biasGeluOp: NonDifferentiableOp<null> = {
  name: 'BiasGelu',
  infer: ([x, bias]) => {
    if (!isBiasOf(bias, x)) throw misfit('bias must be [C] for x [..., C]');
    return [{ dtype: requireSameDType(x, bias), shape: x.shape }];
  },
  emit: ({ onnx, inputs, outputs }) => onnx.node('BiasGelu', inputs, outputs, { domain: 'com.microsoft' }),
  gradient: { whyNot: 'quantised weights are for inference' },
  reference: ([x, bias]) => [zipNd(x, bias, (a, b) => geluReference(a + b))],
};
