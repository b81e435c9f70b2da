/** Root mean square normalisation over the last axis, with scale and without shift. */

import { generate } from '../nd-array.ts';
import { requireDType, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { reduceMean } from './reduce-mean.ts';
import { subtract } from './subtract.ts';

export interface RmsNormAttributes {
  readonly epsilon: number;
}

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis. x [..., C], weight [C]. */
export const rmsNorm = (x: Tensor, weight: Tensor, { epsilon = 1e-6 } = {}): Tensor =>
  applyAll(rmsNormOp, [x, weight], { epsilon })[0];

export const rmsNormOp: DifferentiableOp<RmsNormAttributes> = {
  name: 'SimplifiedLayerNormalization',
  infer: ([x, weight]) => {
    requireDType(x, anyFloat);
    const channels = staticDim(x.shape[x.shape.length - 1], 'the normalised size');
    if (weight.shape.length !== 1 || weight.shape[0] !== channels) throw misfit(`weight must be [${channels}]`);
    return [
      { dtype: x.dtype, shape: x.shape },
      { dtype: 'float32', shape: x.shape.with(-1, 1) },
    ];
  },
  emit: ({ onnx, inputs, outputs, attributes: { epsilon } }) =>
    onnx.node('SimplifiedLayerNormalization', inputs, outputs, {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    }),
  // With n = x / deviation and g = dy * weight: dx = (g - n * mean(g * n)) / deviation
  gradient: ({ inputs: [x, weight], outputs: [, inverseDeviation], outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const normalized = multiply(x, inverseDeviation);
    const g = multiply(dy, weight);
    const along = reduceMean(multiply(g, normalized), { axes: [-1], keepDims: true });
    return [multiply(subtract(g, multiply(normalized, along)), inverseDeviation), multiply(dy, normalized)];
  },
  reference: ([x, weight], { epsilon }) => {
    const channels = x.shape[x.shape.length - 1];
    const inverseDeviation = generate(x.shape.with(-1, 1), (_, flat) => {
      const row = x.data.subarray(flat * channels, (flat + 1) * channels);
      return 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / channels + epsilon);
    });
    const y = generate(x.shape, (_, flat) => {
      return x.data[flat] * inverseDeviation.data[Math.floor(flat / channels)] * weight.data[flat % channels];
    });
    return [y, inverseDeviation];
  },
};
