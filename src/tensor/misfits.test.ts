/**
 * What does not fit is refused when the graph is built, and the message names the op, the tensors and what is wrong.
 */

import { describe, expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { add } from './ops/add.ts';
import { affine } from './ops/affine.ts';
import { attention } from './ops/attention.ts';
import { concat } from './ops/concat.ts';
import { constant } from './ops/constant.ts';
import { conv } from './ops/conv.ts';
import { expand } from './ops/expand.ts';
import { gather } from './ops/gather.ts';
import { gatherElements } from './ops/gather-elements.ts';
import { gridSample } from './ops/grid-sample.ts';
import { groupNorm } from './ops/group-norm.ts';
import { input } from './ops/input.ts';
import { layerNorm } from './ops/layer-norm.ts';
import { matmul } from './ops/matmul.ts';
import { not } from './ops/not.ts';
import { parameter } from './ops/parameter.ts';
import { reduceSum } from './ops/reduce-sum.ts';
import { reshape } from './ops/reshape.ts';
import { roiAlign } from './ops/roi-align.ts';
import { slice } from './ops/slice.ts';
import { softmax } from './ops/softmax.ts';
import { split } from './ops/split.ts';
import { sqrt } from './ops/sqrt.ts';
import { topK } from './ops/top-k.ts';
import { transpose } from './ops/transpose.ts';
import { where } from './ops/where.ts';
import type { Tensor } from './tensor.ts';

const x = input('tokens', 'float32', ['batch', 4, 6]);
const row = input('row', 'float32', [5]);
const ids = input('ids', 'int64', [3]);
const image = input('image', 'float32', [2, 3, 8, 8]);
const weight = parameter({ name: 'proj.weight', dtype: 'float32', shape: [7, 5], initializer: { kind: 'zeros' } });

const misfits: Record<string, { build: () => Tensor | readonly Tensor[] | object; message: string }> = {
  'shapes that do not broadcast': {
    build: () => add(x, row),
    message: 'Add(tokens: float32[batch, 4, 6], row: float32[5]): shapes [batch, 4, 6] and [5] do not broadcast',
  },
  'a symbol against a number': {
    build: () => add(x, input('fixed', 'float32', [2, 4, 6])),
    message: 'shapes [batch, 4, 6] and [2, 4, 6] do not broadcast',
  },
  'dtypes that differ': { build: () => add(x, ids), message: 'ids: int64[3]): dtypes differ; cast one of them' },
  'a dtype without square roots': {
    build: () => sqrt(ids),
    message: 'Sqrt(ids: int64[3]): input must be float32 or float16, not int64',
  },
  'a condition that is no bool': { build: () => where(row, 1, 0), message: 'condition must be bool, not float32' },
  'no truth value': { build: () => not(row), message: 'Not(row: float32[5]): input must be bool, not float32' },
  'matrices of other inner sizes': {
    build: () => matmul(x, weight, { transposeB: true }),
    message: 'MatMul(tokens: float32[batch, 4, 6], proj.weight: float32[7, 5]): inner sizes 6 and 5 differ',
  },
  'a linear layer of another width': { build: () => affine(x, weight, row), message: 'x must end in 5 channels' },
  'heads of other widths': {
    build: () => attention(x, input('k', 'float32', ['batch', 4, 8]), x),
    message: 'q and k differ in width',
  },
  'an axis out of range': {
    build: () => softmax(row, { axis: 1 }),
    message: 'Softmax(row: float32[5]): axis 1 is out of range for rank 1',
  },
  'an axis to reduce out of range': {
    build: () => reduceSum(row, { axes: [-2] }),
    message: 'ReduceSum(row: float32[5]): axis -2 is out of range for rank 1',
  },
  'an impossible reshape': {
    build: () => reshape(image, [2, 3, -1, 7]),
    message: 'cannot reshape to [2, 3, -1, 7]: 384 elements are not a multiple of 42',
  },
  'a reshape across a symbol': {
    build: () => reshape(x, [24]),
    message: 'cannot reshape to [24]: 24 elements, not 24*batch',
  },
  'an order with an axis twice': {
    build: () => transpose(x, [0, 1, 1]),
    message: '[0, 1, 1] is not an order of 3 axes',
  },
  'an expansion of a size': { build: () => expand(row, [2, 6]), message: 'do not broadcast' },
  'a stretch past the end': {
    build: () => slice(row, { axis: 0, start: 2, end: 9 }),
    message: 'Slice(row: float32[5]): 2..9 does not lie in 0..5 on axis 0',
  },
  'stretches that do not fill the axis': {
    build: () => split(row, { axis: 0, lengths: [2, 2] }),
    message: 'Split(row: float32[5]): lengths add to 4, axis 0 has 5',
  },
  'parts that differ': { build: () => concat([x, image], 0), message: 'sizes differ off axis 0' },
  'nothing to join': { build: () => concat([], 0), message: 'Concat(): there is nothing to join' },
  'float indices': { build: () => gather(x, row, { axis: 0 }), message: 'indices must be int64 or int32, not float32' },
  'indices of another shape': {
    build: () => gatherElements(x, ids, { axis: 0 }),
    message: 'sizes differ off axis 0',
  },
  'more than there is': { build: () => topK(row, { k: 6 }), message: 'axis 0 has 5 elements, not 6' },
  'channels of another number': {
    build: () => conv(image, input('kernel', 'float32', [4, 2, 3, 3]), null),
    message: '3 channels in 1 groups do not fit the weight',
  },
  'a kernel larger than the image': {
    build: () => conv(image, input('kernel', 'float32', [4, 3, 9, 9]), null),
    message: 'the kernel is larger than the padded input',
  },
  'a grid of one coordinate': {
    build: () => gridSample(image, input('grid', 'float32', [2, 4, 4, 1])),
    message: 'the last axis of the grid must be (x, y)',
  },
  'groups that do not divide': {
    build: () => groupNorm(image, row, row, { groups: 2 }),
    message: '3 channels do not split into 2 groups',
  },
  'a norm of another width': { build: () => layerNorm(x, row, row), message: 'weight and bias must be [6]' },
  'boxes of another batch': {
    build: () => roiAlign(image, input('boxes', 'float32', [1, 9, 4]), { outputSize: 7 }),
    message: 'boxes must be [2, boxes, 4]',
  },
  'values that do not fill': {
    build: () => constant('float32', [2, 2], [1, 2, 3]),
    message: '3 values do not fill shape [2, 2]',
  },
};

describe('refused when the graph is built', () => {
  test.each(Object.entries(misfits))('%s', (_, { build, message }) => {
    expect(build).toThrow(ChatRexError);
    expect(build).toThrow(message);
  });
});
