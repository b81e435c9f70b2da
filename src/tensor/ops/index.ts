/** All ops by name, so that a test can insist on cases for each of them. Models import the single files. */

import type { Op } from '../tensor.ts';
import { absOp } from './abs.ts';
import { addOp } from './add.ts';
import { affineOp } from './affine.ts';
import { andOp } from './and.ts';
import { argMaxOp } from './arg-max.ts';
import { attentionOp } from './attention.ts';
import { castOp } from './cast.ts';
import { ceilOp } from './ceil.ts';
import { clipOp } from './clip.ts';
import { concatOp } from './concat.ts';
import { constantOp } from './constant.ts';
import { convOp } from './conv.ts';
import { convTransposeOp } from './conv-transpose.ts';
import { cosOp } from './cos.ts';
import { cumulativeSumOp } from './cumulative-sum.ts';
import { deformableSampleOp } from './deformable-sample.ts';
import { depthwiseConvOp } from './depthwise-conv.ts';
import { depthwiseWeightGradientOp } from './depthwise-weight-gradient.ts';
import { divideOp } from './divide.ts';
import { dynamicQuantizedMatmulOp } from './dynamic-quantized-matmul.ts';
import { equalOp } from './equal.ts';
import { erfOp } from './erf.ts';
import { expOp } from './exp.ts';
import { expandOp } from './expand.ts';
import { floorOp } from './floor.ts';
import { gatherOp } from './gather.ts';
import { gatherElementsOp } from './gather-elements.ts';
import { biasGeluOp, geluOp } from './gelu.ts';
import { greaterOp } from './greater.ts';
import { greaterOrEqualOp } from './greater-or-equal.ts';
import { gridSampleOp } from './grid-sample.ts';
import { groupNormOp } from './group-norm.ts';
import { inputOp } from './input.ts';
import { layerNormOp } from './layer-norm.ts';
import { leakyReluOp } from './leaky-relu.ts';
import { lessOp } from './less.ts';
import { lessOrEqualOp } from './less-or-equal.ts';
import { logOp } from './log.ts';
import { logSoftmaxOp } from './log-softmax.ts';
import { matmulOp } from './matmul.ts';
import { matmulNBitsOp } from './matmul-nbits.ts';
import { maxPoolOp } from './max-pool.ts';
import { maximumOp } from './maximum.ts';
import { minimumOp } from './minimum.ts';
import { multiplyOp } from './multiply.ts';
import { negateOp } from './negate.ts';
import { notOp } from './not.ts';
import { oneHotOp } from './one-hot.ts';
import { orOp } from './or.ts';
import { padOp } from './pad.ts';
import { parameterOp } from './parameter.ts';
import { powerOp } from './power.ts';
import { quickGeluOp } from './quick-gelu.ts';
import { rangeOp } from './range.ts';
import { reduceMaxOp } from './reduce-max.ts';
import { reduceMeanOp } from './reduce-mean.ts';
import { reduceMinOp } from './reduce-min.ts';
import { reduceSumOp } from './reduce-sum.ts';
import { reluOp } from './relu.ts';
import { reshapeOp } from './reshape.ts';
import { resizeOp } from './resize.ts';
import { rmsNormOp } from './rms-norm.ts';
import { roiAlignOp } from './roi-align.ts';
import { roundOp } from './round.ts';
import { scatterAddOp } from './scatter-add.ts';
import { scatterElementsAddOp } from './scatter-elements-add.ts';
import { sigmoidOp } from './sigmoid.ts';
import { signOp } from './sign.ts';
import { sinOp } from './sin.ts';
import { sliceOp } from './slice.ts';
import { softmaxOp } from './softmax.ts';
import { softplusOp } from './softplus.ts';
import { splitOp } from './split.ts';
import { sqrtOp } from './sqrt.ts';
import { stopGradientOp } from './stop-gradient.ts';
import { subtractOp } from './subtract.ts';
import { tanhOp } from './tanh.ts';
import { topKOp } from './top-k.ts';
import { transposeOp } from './transpose.ts';
import { whereOp } from './where.ts';

export { abs } from './abs.ts';
export { add } from './add.ts';
export { affine } from './affine.ts';
export { and } from './and.ts';
export { argMax } from './arg-max.ts';
export { attention } from './attention.ts';
export { cast } from './cast.ts';
export { ceil } from './ceil.ts';
export { clip } from './clip.ts';
export { concat } from './concat.ts';
export { constant, constantLike, filled } from './constant.ts';
export { conv } from './conv.ts';
export { convTranspose } from './conv-transpose.ts';
export { cos } from './cos.ts';
export { cumulativeSum } from './cumulative-sum.ts';
export { deformableSample } from './deformable-sample.ts';
export { depthwiseConv } from './depthwise-conv.ts';
export { depthwiseWeightGradient } from './depthwise-weight-gradient.ts';
export { divide } from './divide.ts';
export { dynamicQuantizedMatmul } from './dynamic-quantized-matmul.ts';
export { equal } from './equal.ts';
export { erf } from './erf.ts';
export { exp } from './exp.ts';
export { expand } from './expand.ts';
export { floor } from './floor.ts';
export { gather } from './gather.ts';
export { gatherElements } from './gather-elements.ts';
export { gelu } from './gelu.ts';
export { greater } from './greater.ts';
export { greaterOrEqual } from './greater-or-equal.ts';
export { gridSample } from './grid-sample.ts';
export { groupNorm } from './group-norm.ts';
export { input } from './input.ts';
export { layerNorm } from './layer-norm.ts';
export { leakyRelu } from './leaky-relu.ts';
export { less } from './less.ts';
export { lessOrEqual } from './less-or-equal.ts';
export { log } from './log.ts';
export { logSoftmax } from './log-softmax.ts';
export { matmul } from './matmul.ts';
export { matmulInt4 } from './matmul-nbits.ts';
export { maxPool } from './max-pool.ts';
export { maximum } from './maximum.ts';
export { minimum } from './minimum.ts';
export { multiply } from './multiply.ts';
export { negate } from './negate.ts';
export { not } from './not.ts';
export { oneHot } from './one-hot.ts';
export { or } from './or.ts';
export { pad } from './pad.ts';
export { parameter } from './parameter.ts';
export { power } from './power.ts';
export { quickGelu } from './quick-gelu.ts';
export { range } from './range.ts';
export { reduceMax } from './reduce-max.ts';
export { reduceMean } from './reduce-mean.ts';
export { reduceMin } from './reduce-min.ts';
export { reduceSum } from './reduce-sum.ts';
export { relu } from './relu.ts';
export { reshape } from './reshape.ts';
export { resize } from './resize.ts';
export { rmsNorm } from './rms-norm.ts';
export { roiAlign } from './roi-align.ts';
export { round } from './round.ts';
export { scatterAdd } from './scatter-add.ts';
export { scatterElementsAdd } from './scatter-elements-add.ts';
export { sigmoid } from './sigmoid.ts';
export { sign } from './sign.ts';
export { silu } from './silu.ts';
export { sin } from './sin.ts';
export { slice } from './slice.ts';
export { softmax } from './softmax.ts';
export { softplus } from './softplus.ts';
export { split } from './split.ts';
export { sqrt } from './sqrt.ts';
export { stopGradient } from './stop-gradient.ts';
export { subtract } from './subtract.ts';
export { tanh } from './tanh.ts';
export { topK } from './top-k.ts';
export { swapAxes, transpose } from './transpose.ts';
export { where } from './where.ts';

const table = {
  abs: absOp,
  add: addOp,
  affine: affineOp,
  and: andOp,
  argMax: argMaxOp,
  attention: attentionOp,
  cast: castOp,
  ceil: ceilOp,
  clip: clipOp,
  concat: concatOp,
  constant: constantOp,
  convTranspose: convTransposeOp,
  conv: convOp,
  cos: cosOp,
  cumulativeSum: cumulativeSumOp,
  deformableSample: deformableSampleOp,
  depthwiseConv: depthwiseConvOp,
  depthwiseWeightGradient: depthwiseWeightGradientOp,
  divide: divideOp,
  dynamicQuantizedMatmul: dynamicQuantizedMatmulOp,
  equal: equalOp,
  erf: erfOp,
  exp: expOp,
  expand: expandOp,
  floor: floorOp,
  gatherElements: gatherElementsOp,
  gather: gatherOp,
  biasGelu: biasGeluOp,
  gelu: geluOp,
  greaterOrEqual: greaterOrEqualOp,
  greater: greaterOp,
  gridSample: gridSampleOp,
  groupNorm: groupNormOp,
  input: inputOp,
  layerNorm: layerNormOp,
  leakyRelu: leakyReluOp,
  lessOrEqual: lessOrEqualOp,
  less: lessOp,
  logSoftmax: logSoftmaxOp,
  log: logOp,
  matmul: matmulOp,
  matmulNBits: matmulNBitsOp,
  maxPool: maxPoolOp,
  maximum: maximumOp,
  minimum: minimumOp,
  multiply: multiplyOp,
  negate: negateOp,
  not: notOp,
  oneHot: oneHotOp,
  or: orOp,
  pad: padOp,
  parameter: parameterOp,
  power: powerOp,
  quickGelu: quickGeluOp,
  range: rangeOp,
  reduceMax: reduceMaxOp,
  reduceMean: reduceMeanOp,
  reduceMin: reduceMinOp,
  reduceSum: reduceSumOp,
  relu: reluOp,
  reshape: reshapeOp,
  resize: resizeOp,
  rmsNorm: rmsNormOp,
  roiAlign: roiAlignOp,
  round: roundOp,
  scatterAdd: scatterAddOp,
  scatterElementsAdd: scatterElementsAddOp,
  sigmoid: sigmoidOp,
  sign: signOp,
  sin: sinOp,
  slice: sliceOp,
  softmax: softmaxOp,
  softplus: softplusOp,
  split: splitOp,
  sqrt: sqrtOp,
  stopGradient: stopGradientOp,
  subtract: subtractOp,
  tanh: tanhOp,
  topK: topKOp,
  transpose: transposeOp,
  where: whereOp,
} satisfies Record<string, Op<never>>;

export type OpName = keyof typeof table;

/** Every op there is; the tests walk over it, so that none is left out. */
export const ops: Readonly<Record<OpName, Op<never>>> = table;
