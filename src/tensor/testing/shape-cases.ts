/** Cases of ops that rearrange, select, reduce or make elements. */

import { argMax } from '../ops/arg-max.ts';
import { concat } from '../ops/concat.ts';
import { constant, filled } from '../ops/constant.ts';
import { cumulativeSum } from '../ops/cumulative-sum.ts';
import { expand } from '../ops/expand.ts';
import { gather } from '../ops/gather.ts';
import { gatherElements } from '../ops/gather-elements.ts';
import { oneHot } from '../ops/one-hot.ts';
import { pad } from '../ops/pad.ts';
import { range } from '../ops/range.ts';
import type { ReduceOptions } from '../ops/reduce.ts';
import { reduceMax } from '../ops/reduce-max.ts';
import { reduceMean } from '../ops/reduce-mean.ts';
import { reduceMin } from '../ops/reduce-min.ts';
import { reduceSum } from '../ops/reduce-sum.ts';
import { reshape } from '../ops/reshape.ts';
import { scatterAdd } from '../ops/scatter-add.ts';
import { scatterElementsAdd } from '../ops/scatter-elements-add.ts';
import { slice } from '../ops/slice.ts';
import { split } from '../ops/split.ts';
import { topK } from '../ops/top-k.ts';
import { swapAxes, transpose } from '../ops/transpose.ts';
import type { Tensor } from '../tensor.ts';
import { booleans, floats, given, integers, type OpCase, opCase } from './op-case.ts';

const reductions = (f: (x: Tensor, options?: ReduceOptions) => Tensor): OpCase[] => [
  opCase([floats(2, 3, 4)], (x) => f(x)),
  opCase([floats(2, 3, 4)], (x) => f(x, { axes: [1] })),
  opCase([floats(2, 3, 4)], (x) => f(x, { axes: [0, 2], keepDims: true })),
  opCase([floats(2, 1, 4)], (x) => f(x, { axes: [-2] })),
  opCase([floats('batch', 3)], (x) => f(x, { axes: [-1] })),
  opCase([floats('none', 3)], (x) => f(x, { axes: [-1] })),
  opCase([floats()], (x) => f(x)),
];

export const shapeCases = {
  argMax: [
    opCase([floats(3, 4)], (x) => argMax(x, { axis: 1 })),
    opCase([floats(3, 4, 2)], (x) => argMax(x, { axis: 0 })),
    opCase([given('float32', [4], [1, 3, 3, 2])], (x) => argMax(x, { axis: -1 })),
    opCase([floats('batch', 1)], (x) => argMax(x, { axis: 1 })),
  ],
  concat: [
    opCase([floats(2, 3), floats(2, 1), floats(2, 2)], (...all) => concat(all, 1)),
    opCase([floats(2, 3), floats(1, 3)], (...all) => concat(all, 0)),
    opCase([floats(2, 3), floats(2, 0)], (...all) => concat(all, -1)),
    opCase([floats('batch', 3), floats('length', 3), floats(2, 3)], (...all) => concat(all, 0)),
    opCase([integers(9, 2), integers(9, 3)], (...all) => concat(all, 0)),
  ],
  constant: [
    opCase([], () => constant('float32', [2, 2], [1, 2, 3, 4])),
    opCase([], () => filled('int64', [3], 7)),
    opCase([], () => filled('bool', [0], 1)),
  ],
  cumulativeSum: [true, false].flatMap((isReverse) =>
    [true, false].flatMap((isExclusive) => [
      opCase([floats(2, 4, 3)], (x) => cumulativeSum(x, { axis: 1, isReverse, isExclusive })),
      opCase([floats('batch', 3)], (x) => cumulativeSum(x, { axis: 0, isReverse, isExclusive })),
    ]),
  ),
  expand: [
    opCase([floats(2, 1, 3)], (x) => expand(x, [2, 4, 3])),
    opCase([floats(3), floats('batch')], (x, y) => [expand(x, ['batch', 3]), y]),
    opCase([floats('batch', 1)], (x) => expand(x, ['batch', 2])),
    opCase([floats()], (x) => expand(x, [2, 0])),
  ],
  gather: [
    opCase([floats(5, 3), integers(5, 4)], (x, i) => gather(x, i, { axis: 0 })),
    opCase([floats(2, 5, 3), integers(5, 2, 4)], (x, i) => gather(x, i, { axis: 1 })),
    opCase([floats(2, 3), given('int64', [], [2])], (x, i) => gather(x, i, { axis: -1 })),
    opCase([floats(5, 3), integers(5, 'batch', 'length')], (x, i) => gather(x, i, { axis: 0 })),
    opCase([floats(5, 3), integers(5, 'none')], (x, i) => gather(x, i, { axis: 0 })),
  ],
  gatherElements: [
    opCase([floats(3, 5), integers(5, 3, 7)], (x, i) => gatherElements(x, i, { axis: 1 })),
    opCase([floats(4, 2, 3), integers(4, 2, 2, 3)], (x, i) => gatherElements(x, i, { axis: 0 })),
    opCase([floats('batch', 5), integers(5, 'batch', 1)], (x, i) => gatherElements(x, i, { axis: -1 })),
    opCase([floats(3, 5), integers(5, 3, 0)], (x, i) => gatherElements(x, i, { axis: 1 })),
  ],
  oneHot: [
    opCase([given('int64', [5], [0, 3, 9, -1, 2])], (i) => oneHot(i, 4)),
    opCase([integers(4, 'batch', 3)], (i) => oneHot(i, 4)),
    opCase([integers(4, 'none')], (i) => oneHot(i, 4)),
  ],
  pad: [
    opCase([floats(2, 3)], (x) => pad(x, { axis: 1, before: 1, after: 2 })),
    opCase([floats(2, 0)], (x) => pad(x, { axis: 1, before: 2 })),
    opCase([floats('batch', 3)], (x) => pad(x, { axis: 0, after: 'batch' })),
    opCase([booleans(3)], (x) => pad(x, { axis: 0, after: 2 })),
    opCase([integers(9, 3)], (x) => pad(x, { axis: 0, before: 1 })),
  ],
  range: [
    opCase([], () => range(4)),
    opCase([], () => range(0)),
    opCase([floats('batch', 'length')], (x) => [range('2*batch+length'), x]),
    opCase([floats('none')], (x) => [range('none'), x]),
  ],
  reduceMax: reductions(reduceMax),
  reduceMean: reductions(reduceMean),
  reduceMin: reductions(reduceMin),
  reduceSum: [
    ...reductions(reduceSum),
    opCase([floats(2, 0)], (x) => reduceSum(x, { axes: [1] })),
    opCase([floats('none', 2)], (x) => reduceSum(x)),
    opCase([floats('batch', 'length')], (x) => reduceSum(x)),
    opCase([integers(9, 4)], (x) => reduceSum(x)),
  ],
  reshape: [
    opCase([floats(2, 6)], (x) => reshape(x, [3, 4])),
    opCase([floats(2, 6)], (x) => reshape(x, [-1])),
    opCase([floats(1)], (x) => reshape(x, [])),
    opCase([floats(2, 0)], (x) => reshape(x, [0, 5])),
    opCase([floats('batch', 'length', 4)], (x) => reshape(x, [-1, 2])),
    opCase([floats('batch', 6, 'length')], (x) => reshape(x, ['batch', 2, 3, 'length'])),
    opCase([floats('none', 4)], (x) => reshape(x, ['none', 2, 2])),
  ],
  scatterAdd: [
    opCase([floats(4, 3), given('int64', [4], [1, 0, 1, 1])], (x, i) => scatterAdd(x, i, { axis: 0, size: 3 })),
    opCase([floats(2, 4, 3), integers(5, 4)], (x, i) => scatterAdd(x, i, { axis: 1, size: 5 })),
    opCase([floats(2, 3, 4), integers(5, 3, 4)], (x, i) => scatterAdd(x, i, { axis: 1, size: 5 })),
    opCase([floats('batch', 3), integers(2, 'batch')], (x, i) => scatterAdd(x, i, { axis: 0, size: 2 })),
    opCase([floats('none', 3), integers(2, 'none')], (x, i) => scatterAdd(x, i, { axis: 0, size: 2 })),
  ],
  scatterElementsAdd: [
    opCase([floats(2, 4), integers(3, 2, 4)], (x, i) => scatterElementsAdd(x, i, { axis: 1, size: 3 })),
    opCase([floats(4, 2, 3), integers(3, 4, 2, 3)], (x, i) => scatterElementsAdd(x, i, { axis: 0, size: 5 })),
    opCase([floats('batch', 4), integers(3, 'batch', 4)], (x, i) => scatterElementsAdd(x, i, { axis: 1, size: 3 })),
    opCase([floats(2, 0), integers(3, 2, 0)], (x, i) => scatterElementsAdd(x, i, { axis: 1, size: 3 })),
  ],
  slice: [
    opCase([floats(4, 5)], (x) => slice(x, { axis: 0, start: 1, end: 3 })),
    opCase([floats(4, 5)], (x) => slice(x, { axis: -1, start: -2 })),
    opCase([floats(4, 5)], (x) => slice(x, { axis: 1, step: 2 })),
    opCase([floats(4, 5)], (x) => slice(x, { axis: 1, step: -1 })),
    opCase([floats(4, 5)], (x) => slice(x, { axis: 1, start: 3, end: 0, step: -2 })),
    opCase([floats(4, 5)], (x) => slice(x, { axis: 1, start: 2, end: 2 })),
    opCase([floats('batch', 5)], (x) => slice(x, { axis: 0, start: 1 })),
    opCase([floats('batch', 5)], (x) => slice(x, { axis: 0, end: -1 })),
    opCase([floats(2, 'length')], (x) => slice(x, { axis: 1, start: 0, end: 1 })),
  ],
  split: [
    opCase([floats(2, 6)], (x) => split(x, { axis: 1, lengths: [1, 3, 2] })),
    opCase([floats(2, 6)], (x) => split(x, { axis: -1, lengths: [1, 3, 2] })[1]),
    opCase([floats('batch', 4)], (x) => split(x, { axis: 1, lengths: [4, 0] })),
  ],
  topK: [
    opCase([floats(3, 6)], (x) => Object.values(topK(x, { k: 2 }))),
    opCase([floats(6, 2)], (x) => Object.values(topK(x, { k: 6, axis: 0, largest: false }))),
    opCase([given('float32', [5], [1, 3, 3, 2, 3])], (x) => topK(x, { k: 4 }).indices),
    opCase([floats('batch', 6)], (x) => topK(x, { k: 3 }).values),
  ],
  transpose: [
    opCase([floats(2, 3, 4)], (x) => transpose(x, [2, 0, 1])),
    opCase([floats(2, 3, 4)], (x) => swapAxes(x, -1, -2)),
    opCase([floats('batch', 3, 'length', 2)], (x) => transpose(x, [0, 2, 1, 3])),
    opCase([floats(0, 3)], (x) => transpose(x, [1, 0])),
  ],
};
