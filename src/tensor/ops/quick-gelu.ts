/** x * sigmoid(alpha * x): CLIP's approximation of GELU at 1.702, SiLU at 1. */

import { mapNd } from '../nd-array.ts';
import { requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { sigmoid } from './sigmoid.ts';
import { subtract } from './subtract.ts';

export interface QuickGeluAttributes {
  readonly alpha: number;
}

/** x * sigmoid(alpha * x), elementwise. */
export const quickGelu = (x: Tensor, { alpha = 1.702 }: { alpha?: number } = {}): Tensor =>
  apply(quickGeluOp, [x], { alpha });

export const quickGeluOp: DifferentiableOp<QuickGeluAttributes> = {
  name: 'QuickGelu',
  infer: ([x]) => {
    requireDType(x, anyFloat);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { alpha } }) =>
    onnx.node('QuickGelu', inputs, outputs, { domain: 'com.microsoft', attributes: { alpha: { float: alpha } } }),
  // With s = sigmoid(alpha * x): s + alpha * y * (1 - s)
  gradient: ({ inputs: [x], outputs: [y], attributes: { alpha }, outputGradients }) => {
    const s = sigmoid(alpha === 1 ? x : multiply(x, alpha));
    const slope = alpha === 1 ? y : multiply(y, alpha);
    return [multiply(outputGradients[0] as Tensor, add(s, multiply(slope, subtract(1, s))))];
  },
  reference: ([x], { alpha }) => [mapNd(x, (value) => value / (1 + Math.exp(-alpha * value)))],
};
