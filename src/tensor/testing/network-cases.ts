/** Cases of ops that make up networks: products, convolutions, norms, sampling; and the leaves of graphs. */

import { add } from '../ops/add.ts';
import { affine } from '../ops/affine.ts';
import { attention } from '../ops/attention.ts';
import { constant } from '../ops/constant.ts';
import { conv } from '../ops/conv.ts';
import { convTranspose } from '../ops/conv-transpose.ts';
import type { ConvOptions } from '../ops/convolution.ts';
import { deformableSample } from '../ops/deformable-sample.ts';
import { depthwiseConv } from '../ops/depthwise-conv.ts';
import { depthwiseWeightGradient } from '../ops/depthwise-weight-gradient.ts';
import { dynamicQuantizedMatmul } from '../ops/dynamic-quantized-matmul.ts';
import { gelu } from '../ops/gelu.ts';
import { gridSample } from '../ops/grid-sample.ts';
import { groupNorm } from '../ops/group-norm.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { logSoftmax } from '../ops/log-softmax.ts';
import { matmul } from '../ops/matmul.ts';
import { matmulInt4 } from '../ops/matmul-nbits.ts';
import { maxPool } from '../ops/max-pool.ts';
import { parameter } from '../ops/parameter.ts';
import { relu } from '../ops/relu.ts';
import { resize } from '../ops/resize.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { roiAlign } from '../ops/roi-align.ts';
import { softmax } from '../ops/softmax.ts';
import type { Tensor } from '../tensor.ts';
import {
  between,
  type CaseInput,
  createRandom,
  floats,
  given,
  type OpCase,
  opCase,
  withoutGradient,
} from './op-case.ts';

const convCase = (x: CaseInput['shape'], weight: number[], options: ConvOptions, hasBias = false): OpCase =>
  opCase([floats(...x), floats(...weight), ...(hasBias ? [floats(weight[0])] : [])], (a, w, b) =>
    conv(a, w, b ?? null, options),
  );

const softmaxes = (f: (x: Tensor, options?: { axis?: number }) => Tensor): OpCase[] => [
  opCase([floats(2, 5)], (x) => f(x)),
  opCase([floats(2, 3, 4)], (x) => f(x, { axis: 1 })),
  opCase([floats(2, 1)], (x) => f(x)),
  opCase([floats('batch', 'length', 4)], (x) => f(x, { axis: -1 })),
  opCase([floats('none', 4)], (x) => f(x)),
  opCase([given('float32', [1, 3], [90, -90, 89])], (x) => f(x)),
];

const square = (side: number): [number, number, number, number] => [side, side, side, side];

/** Boxes inside of a map of 12 x 10, one of them without area, one reaching beyond it. */
const boxes = withoutGradient(
  given('float32', [2, 2, 4], [1.2, 0.7, 7.9, 8.3, 3, 3, 3, 3, -1.5, 2.2, 4.4, 11.9, 0, 0, 11, 9.5]),
);

const bytes = (bound: number, ...shape: number[]): CaseInput => ({
  dtype: 'uint8',
  shape,
  value: (random) => Math.floor((bound + 1) * random()),
});

/**
 * x [..., 32] and scales [5], times weights of all sizes; or weights of the largest size, all of one sign per column;
 * after `before`, such as a ReLU.
 */
const quantizedCase = (x: CaseInput, isExtreme = false, before = (values: Tensor) => values): OpCase => {
  const random = createRandom(32);
  const value = (i: number) => (isExtreme ? (i % 2 ? -127 : 127) : Math.floor(255 * random()) - 127);
  const weight = Int8Array.from({ length: 32 * 5 }, (_, i) => value(i));
  return opCase(
    [x, between(0.01, 0.02, 5)],
    (values, scales) => dynamicQuantizedMatmul(before(values), constant('int8', [32, 5], weight), scales),
    0.1,
  );
};

export const networkCases = {
  affine: [
    opCase([floats(3, 4), floats(2, 4), floats(2)], affine),
    opCase([floats(2, 3, 2), floats(4, 2), floats(4)], affine),
    opCase([floats('batch', 3, 4), floats(2, 4), floats(2)], affine),
    opCase([floats('batch', 'length', 4), floats(2, 4), floats(2)], affine),
    opCase([floats('none', 4), floats(2, 4), floats(2)], affine),
  ],
  attention: [
    opCase([floats(2, 3, 4), floats(2, 5, 4), floats(2, 5, 3)], (q, k, v) => attention(q, k, v)),
    opCase([floats(2, 2, 3, 4), floats(2, 2, 3, 4), floats(2, 2, 3, 4), floats(2, 1, 3)], attention),
    opCase([floats('batch', 2, 'length', 4), floats('batch', 2, 1, 4), floats('batch', 2, 1, 4)], (q, k, v) =>
      attention(q, k, v),
    ),
  ],
  biasGelu: [
    opCase(
      [floats('batch', 3, 32), between(0.01, 0.02, 5), floats(5)],
      (x, scales, bias) => {
        const weight = constant(
          'int8',
          [32, 5],
          Int8Array.from({ length: 160 }, (_, i) => ((i * 37) % 255) - 127),
        );
        return gelu(add(dynamicQuantizedMatmul(x, weight, scales), bias));
      },
      0.1,
    ),
  ],
  conv: [
    convCase([2, 3, 5, 6], [4, 3, 3, 3], { pads: square(1) }, true),
    convCase([2, 3, 7, 8], [4, 3, 3, 3], { strides: [2, 2], pads: square(1) }, true),
    convCase([1, 4, 8, 7], [6, 2, 3, 2], { strides: [1, 2], pads: [1, 0, 2, 1], dilations: [2, 1], groups: 2 }),
    convCase([2, 3, 6, 5], [3, 1, 5, 5], { pads: square(2), groups: 3 }, true),
    convCase([2, 2, 4, 6], [3, 2, 2, 3], { strides: [2, 3] }, true),
    convCase([2, 3, 4, 3], [5, 3, 1, 1], {}, true),
    convCase([2, 3, 5, 4], [5, 3, 1, 1], { strides: [2, 2] }),
    convCase(['batch', 2, 4, 4], [3, 2, 3, 3], { pads: square(1) }, true),
    convCase(['batch', 2, 4, 4], [3, 2, 2, 2], { strides: [2, 2] }),
    convCase([1, 2, 'length', 4], [3, 2, 3, 1], { pads: [1, 0, 1, 0] }),
  ],
  convTranspose: [
    opCase([floats(2, 4, 3, 4), floats(4, 3, 3, 3), floats(3)], (x, w, b) =>
      convTranspose(x, w, b, { strides: [2, 2], pads: square(1), outputPadding: [1, 0] }),
    ),
    opCase([floats(2, 4, 3, 4), floats(4, 2, 2, 2)], (x, w) =>
      convTranspose(x, w, null, { strides: [2, 2], groups: 2 }),
    ),
    opCase([floats('batch', 2, 3, 3), floats(2, 3, 3, 3)], (x, w) => convTranspose(x, w, null, { pads: square(1) })),
  ],
  deformableSample: [
    opCase(
      [floats(2, 4, 5, 6), floats(2, 4, 3, 3), between(-1.5, 6, 2, 2, 2, 3, 2, 5), floats(2, 2, 2, 3, 5)],
      (...all) => deformableSample(all.slice(0, 2), all[2], all[3]),
    ),
    opCase(
      [floats('batch', 4, 5, 6), between(-1.5, 6, 'batch', 2, 1, 1, 2, 3), floats('batch', 2, 1, 1, 3)],
      (...all) => deformableSample(all.slice(0, 1), all[1], all[2]),
    ),
  ],
  // Of 3 channels and of 16, which is a block on every processor that has blocks.
  depthwiseConv: [
    opCase([floats(2, 4, 5, 3), floats(3, 1, 3, 5), floats(3)], depthwiseConv),
    opCase([floats(2, 3, 4, 16), floats(16, 1, 3, 5), floats(16)], depthwiseConv),
    opCase([floats('batch', 2, 3, 16), floats(16, 1, 3, 3)], (x, w) => depthwiseConv(x, w, null)),
    opCase([floats(1, 1, 1, 32), floats(32, 1, 7, 7)], (x, w) => depthwiseConv(x, w, null)),
  ],
  depthwiseWeightGradient: [
    opCase([floats(2, 4, 5, 3), floats(2, 4, 5, 3)], (x, dy) => depthwiseWeightGradient(x, dy, [3, 5])),
    opCase([floats(2, 3, 4, 16), floats(2, 3, 4, 16)], (x, dy) => depthwiseWeightGradient(x, dy, [3, 5])),
    opCase([floats('batch', 2, 3, 16), floats('batch', 2, 3, 16)], (x, dy) => depthwiseWeightGradient(x, dy, [3, 3])),
  ],
  dynamicQuantizedMatmul: [
    quantizedCase(floats('batch', 3, 32)),
    quantizedCase(floats(1, 32)),
    // Pairs of products that do not fit into 16 bits: kernels that add them there lose half of the sum.
    quantizedCase(between(0.999, 1, 3, 32), true),
    quantizedCase(floats('batch', 3, 32), false, relu),
    quantizedCase(between(0.999, 1, 3, 32), true, relu),
    quantizedCase(floats('batch', 3, 32), false, gelu),
    quantizedCase(between(-0.8, -0.7, 3, 32), true, gelu),
    quantizedCase(between(2.9, 3, 3, 32), false, gelu),
  ],
  gridSample: (['zeros', 'border'] as const).flatMap((paddingMode) =>
    [true, false].flatMap((alignCorners) => [
      opCase([floats(2, 3, 4, 5), between(-1.4, 1.4, 2, 3, 2, 2)], (x, grid) =>
        gridSample(x, grid, { paddingMode, alignCorners }),
      ),
      opCase([floats('batch', 2, 3, 1), between(-1.2, 1.2, 'batch', 1, 4, 2)], (x, grid) =>
        gridSample(x, grid, { paddingMode, alignCorners }),
      ),
    ]),
  ),
  groupNorm: [
    opCase([floats(2, 4, 3, 5), floats(4), floats(4)], (x, w, b) => groupNorm(x, w, b, { groups: 2 })),
    opCase([floats(2, 4, 3), floats(4), floats(4)], (x, w, b) => groupNorm(x, w, b, { groups: 4, epsilon: 0.1 })),
    opCase([floats('batch', 4, 2, 2), floats(4), floats(4)], (x, w, b) => groupNorm(x, w, b, { groups: 1 })),
  ],
  input: [opCase([floats(2)], (x) => x)],
  layerNorm: [
    opCase([floats(2, 3, 5), floats(5), floats(5)], (x, w, b) => layerNorm(x, w, b)),
    opCase([floats('batch', 'length', 4), floats(4), floats(4)], (x, w, b) => layerNorm(x, w, b, { epsilon: 0.1 })),
    opCase([floats('none', 4), floats(4), floats(4)], (x, w, b) => layerNorm(x, w, b)),
  ],
  logSoftmax: softmaxes(logSoftmax),
  matmul: [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) => {
      const [a, b] = [transposeA ? [4, 3] : [3, 4], transposeB ? [2, 4] : [4, 2]];
      const product = (x: Tensor, y: Tensor) => matmul(x, y, { transposeA, transposeB });
      return [
        opCase([floats(...a), floats(...b)], product),
        opCase([floats(2, 3, ...a), floats(2, 3, ...b)], product),
        opCase([floats(2, 3, ...a), floats(...b)], product),
        opCase([floats(2, 3, ...a), floats(...b)], (x, y) => matmul(x, y, { transposeA, transposeB, scale: 0.3 })),
        opCase([floats(2, 1, ...a), floats(3, ...b)], product),
        opCase([floats(...a), floats('batch', ...b)], product),
        opCase([floats('batch', 'length', ...a), floats(...b)], product),
        // ONNX Runtime cannot broadcast an empty batch of transposed matrices.
        ...(transposeA ? [] : [opCase([floats('none', ...a), floats(...b)], product)]),
      ];
    }),
  ),
  matmulNBits: [
    opCase([floats('batch', 3, 64), bytes(255, 5, 2, 16), between(0.01, 0.02, 5, 2)], matmulInt4, 0.05),
    opCase([floats(1, 64), bytes(255, 5, 2, 16), between(0.01, 0.02, 5, 2)], matmulInt4, 0.05),
  ],
  maxPool: [
    opCase([floats(2, 3, 6, 7)], (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 })),
    opCase([floats('batch', 2, 5, 4)], (x) => maxPool(x, { kernel: 2 })),
    // Zeros around it would win.
    opCase([between(-2, -1, 1, 1, 4, 4)], (x) => maxPool(x, { kernel: 3, stride: 1, padding: 1 })),
  ],
  // It is fed as inputs are.
  parameter: [
    opCase([given('float32', [2], [3, 4])], () =>
      parameter({ name: 'parameter.x0', dtype: 'float32', shape: [2], initializer: { kind: 'zeros' } }),
    ),
  ],
  resize: (['bilinear', 'nearest', 'bicubic'] as const).flatMap((mode) => [
    opCase([floats(2, 2, 4, 5)], (x) => resize(x, { height: 7, width: 3, mode })),
    opCase([floats(1, 2, 2, 3)], (x) => resize(x, { height: 4, width: 9, mode })),
    opCase([floats('batch', 1, 3, 4)], (x) => resize(x, { height: 1, width: 4, mode })),
    ...(mode === 'nearest'
      ? []
      : [opCase([floats(1, 2, 4, 5)], (x) => resize(x, { height: 7, width: 3, mode, alignCorners: true }))]),
  ]),
  rmsNorm: [
    opCase([floats(2, 3, 5), floats(5)], (x, w) => rmsNorm(x, w)),
    opCase([floats('batch', 4), floats(4)], (x, w) => rmsNorm(x, w, { epsilon: 0.1 })),
    opCase([floats('none', 4), floats(4)], (x, w) => rmsNorm(x, w)),
  ],
  roiAlign: [true, false].flatMap((aligned) =>
    [-1, 2].map((samplingRatio) =>
      opCase([floats(2, 2, 10, 12), boxes], (x, b) => roiAlign(x, b, { outputSize: 3, samplingRatio, aligned })),
    ),
  ),
  softmax: softmaxes(softmax),
};
