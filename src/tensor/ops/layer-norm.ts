/** Layer normalisation over the last axis, with scale and shift. */

import { generate } from '../nd-array.ts';
import { requireDType, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { reduceMean } from './reduce-mean.ts';
import { subtract } from './subtract.ts';

export interface LayerNormAttributes {
  readonly epsilon: number;
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis. x [..., C], weight [C], bias [C]. */
export const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor, { epsilon = 1e-5 } = {}): Tensor =>
  applyAll(layerNormOp, [x, weight, bias], { epsilon })[0];

export const layerNormOp: DifferentiableOp<LayerNormAttributes> = {
  name: 'LayerNormalization',
  infer: ([x, weight, bias]) => {
    requireDType(x, anyFloat);
    const channels = staticDim(x.shape[x.shape.length - 1], 'the normalised size');
    for (const { shape } of [weight, bias]) {
      if (shape.length !== 1 || shape[0] !== channels) throw misfit(`weight and bias must be [${channels}]`);
    }
    const statistics = { dtype: 'float32', shape: x.shape.with(-1, 1) } as const;
    return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
  },
  emit: ({ onnx, inputs, outputs, attributes: { epsilon } }) =>
    onnx.node('LayerNormalization', inputs, outputs, { attributes: { axis: -1, epsilon: { float: epsilon } } }),
  // With n = (x - mean) / deviation and g = dy * weight: dx = (g - mean(g) - n * mean(g * n)) / deviation
  gradient: ({ inputs: [x, weight], outputs: [, mean, inverseDeviation], outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const normalized = multiply(subtract(x, mean), inverseDeviation);
    const g = multiply(dy, weight);
    const meanOf = (t: Tensor) => reduceMean(t, { axes: [-1], keepDims: true });
    const centred = subtract(subtract(g, meanOf(g)), multiply(normalized, meanOf(multiply(g, normalized))));
    return [multiply(centred, inverseDeviation), multiply(dy, normalized), dy];
  },
  reference: ([x, weight, bias], { epsilon }) => {
    const channels = x.shape[x.shape.length - 1];
    const rows = x.shape.with(-1, 1);
    const row = (flat: number) => x.data.subarray(flat * channels, (flat + 1) * channels);
    const mean = generate(rows, (_, flat) => row(flat).reduce((sum, value) => sum + value, 0) / channels);
    const inverseDeviation = generate(rows, (_, flat) => {
      const variance = row(flat).reduce((sum, value) => sum + (value - mean.data[flat]) ** 2, 0) / channels;
      return 1 / Math.sqrt(variance + epsilon);
    });
    const y = generate(x.shape, (index, flat) => {
      const [group, c] = [Math.floor(flat / channels), index[index.length - 1]];
      return (x.data[flat] - mean.data[group]) * inverseDeviation.data[group] * weight.data[c] + bias.data[c];
    });
    return [y, mean, inverseDeviation];
  },
};
